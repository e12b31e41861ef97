//! Write Bulkhead plugins in Rust. README.md is the manual; the modules of host functions are generated from wit/.

#[doc(hidden)]
pub mod abi;
mod blob_io;
mod bytes;
#[doc(hidden)]
pub mod entry;
mod error;
mod generated;
mod json;
mod raw_route;
mod read_config;
mod transaction;

pub use blob_io::{BlobReader, BlobWriter};
pub use bulkhead_macros::{event, lifecycle, service};
pub use bytes::Bytes;
pub use entry::{Event, Json};
pub use error::Error;
pub use generated::*;
pub use json::to_json;
pub use raw_route::{RouteAnswer, RouteBlob, RouteRequest};
pub use read_config::read_config;
pub use transaction::{Transaction, transaction};
