//! Blocks and host calls (docs/abi.md): the one file of the SDK with pointers. Private to the crate in all but name.

use crate::Error;
use serde::{Serialize, de::DeserializeOwned};

#[link(wasm_import_module = "extism:host/env")]
unsafe extern "C" {
    fn alloc(length: u64) -> u64;
    fn length(block: u64) -> u64;
    fn input_offset() -> u64;
    fn input_length() -> u64;
    fn output_set(offset: u64, length: u64);
    fn error_set(block: u64);
}

#[link(wasm_import_module = "bulkhead:host/memory")]
unsafe extern "C" {
    fn load(offset: u64, address: *mut u8, length: usize);
    fn store(address: *const u8, offset: u64, length: usize);
    fn release(block: u64);
}

fn copy_in(offset: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    // SAFETY: the host fills exactly `length` bytes, for which there is room, or ends the plugin.
    unsafe {
        load(offset, bytes.as_mut_ptr(), length);
        bytes.set_len(length);
    }
    bytes
}

fn copy_out(bytes: &[u8]) -> u64 {
    // SAFETY: the host reads exactly the bytes of the slice.
    unsafe {
        let block = alloc(bytes.len() as u64);
        store(bytes.as_ptr(), block, bytes.len());
        block
    }
}

pub(crate) fn input() -> Vec<u8> {
    // SAFETY: plain numbers.
    unsafe { copy_in(input_offset(), input_length() as usize) }
}

pub(crate) fn set_output(bytes: &[u8]) {
    let block = copy_out(bytes);
    // SAFETY: the block was made here and has this length.
    unsafe { output_set(block, bytes.len() as u64) }
}

pub(crate) fn set_error(message: &[u8]) {
    let block = copy_out(message);
    // SAFETY: the block was made here.
    unsafe { error_set(block) }
}

/// One host call: its arguments become blocks, and once its answer is read all of them are given back.
pub struct Call {
    first: u64,
}

impl Call {
    pub fn begin() -> Self {
        Self { first: 0 }
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> u64 {
        let block = copy_out(bytes);
        if self.first == 0 {
            self.first = block;
        }
        block
    }

    pub fn text(&mut self, text: &str) -> u64 {
        self.bytes(text.as_bytes())
    }

    pub fn optional_bytes(&mut self, bytes: Option<&[u8]>) -> u64 {
        let mut tagged = vec![u8::from(bytes.is_some())];
        tagged.extend_from_slice(bytes.unwrap_or_default());
        self.bytes(&tagged)
    }

    pub fn optional_text(&mut self, text: Option<&str>) -> u64 {
        self.optional_bytes(text.map(str::as_bytes))
    }

    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> u64 {
        let json = serde_json::to_vec(value).unwrap_or_else(|error| panic!("an argument of a host function has no JSON: {error}"));
        self.bytes(&json)
    }

    /// The answer without its tag, or the error.
    fn answer(self, block: u64) -> Result<Vec<u8>, Error> {
        // SAFETY: the block is the host's answer, and nothing reads blocks from `first` on any more once it is copied.
        let mut bytes = unsafe {
            let bytes = copy_in(block, length(block) as usize);
            release(if self.first == 0 { block } else { self.first });
            bytes
        };
        match bytes.remove(0) {
            0 => Ok(bytes),
            _ => Err(serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("the host's error has another shape: {error}"))),
        }
    }

    pub fn nothing(self, block: u64) -> Result<(), Error> {
        self.answer(block).map(|_| ())
    }

    pub fn bytes_answer(self, block: u64) -> Result<Vec<u8>, Error> {
        self.answer(block)
    }

    pub fn text_answer(self, block: u64) -> Result<String, Error> {
        Ok(text(self.answer(block)?))
    }

    pub fn optional_bytes_answer(self, block: u64) -> Result<Option<Vec<u8>>, Error> {
        let mut bytes = self.answer(block)?;
        Ok((bytes.remove(0) == 1).then_some(bytes))
    }

    pub fn optional_text_answer(self, block: u64) -> Result<Option<String>, Error> {
        Ok(self.optional_bytes_answer(block)?.map(text))
    }

    pub fn json_answer<T: DeserializeOwned>(self, block: u64) -> Result<T, Error> {
        let bytes = self.answer(block)?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("the host's answer has another shape: {error}")))
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
