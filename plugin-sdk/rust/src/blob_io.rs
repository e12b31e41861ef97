//! Contents of blobs as what is read and written everywhere in Rust: `std::io::Read` and `std::io::Write`.

use crate::blobs::{self, Blob, Property};
use crate::{Error, ErrorCode};
use std::io;

const PIECE_BYTES: usize = 65_536;

/// Writes a blob in pieces of 64 KiB. It appears with [`BlobWriter::finish`], in place of one that has the name; dropped before, nothing of it stays.
pub struct BlobWriter {
    writer: Option<u32>,
    piece: Vec<u8>,
}

impl BlobWriter {
    /// Fails as `blobs::create` does.
    pub fn create(name: &str, media_type: &str, metadata: &[Property]) -> Result<Self, Error> {
        Ok(Self { writer: Some(blobs::create(name, media_type, metadata)?), piece: Vec::with_capacity(PIECE_BYTES) })
    }

    /// Makes it visible and durable. Fails as `blobs::append` and `blobs::finish` do.
    pub fn finish(mut self) -> Result<Blob, Error> {
        self.send()?;
        self.writer.take().map_or_else(|| Err(closed()), blobs::finish)
    }

    fn send(&mut self) -> Result<(), Error> {
        if !self.piece.is_empty() {
            blobs::append(self.writer.ok_or_else(closed)?, &self.piece)?;
            self.piece.clear();
        }
        Ok(())
    }
}

impl io::Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE_BYTES {
            self.send().map_err(io::Error::other)?;
        }
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send().map_err(io::Error::other)
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if let Some(writer) = self.writer {
            let _ = blobs::discard(writer);
        }
    }
}

/// Reads a blob in pieces of 64 KiB; one that is replaced or removed meanwhile fails with conflict.
pub struct BlobReader {
    blob: Blob,
    at: u64,
    piece: io::Cursor<Vec<u8>>,
}

impl BlobReader {
    /// Fails with invalid-message when there is no such blob.
    pub fn open(name: &str) -> Result<Self, Error> {
        let missing = || Error::new(ErrorCode::InvalidMessage, format!("there is no blob \"{name}\""));
        let blob = blobs::stat(name)?.ok_or_else(missing)?;
        Ok(Self { blob, at: 0, piece: io::Cursor::default() })
    }

    /// What is known of it.
    pub fn blob(&self) -> &Blob {
        &self.blob
    }
}

impl io::Read for BlobReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.piece.position() as usize == self.piece.get_ref().len() && self.at < self.blob.size {
            let Blob { name, etag, .. } = &self.blob;
            let piece = blobs::read(name, self.at, PIECE_BYTES as u32, Some(etag)).map_err(io::Error::other)?;
            self.at += piece.len() as u64;
            self.piece = io::Cursor::new(piece);
        }
        self.piece.read(into)
    }
}

fn closed() -> Error {
    Error::new(ErrorCode::InvalidMessage, "the writer is closed")
}
