//! Services behind a route with `"request": "raw"` or `"blob"`: the request as it came, and an answer with status and headers. Both are a line of JSON, and
//! behind its line feed the bytes of the body.

use crate::entry::{Input, Output};
use crate::{Error, abi, http::Header, json::to_json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A request, each byte of its body as it came: signatures are made of them. To be the argument of a service.
#[derive(Clone, Debug, Deserialize)]
pub struct RouteRequest {
    pub method: String,
    /// As it was asked for, with its escapes.
    pub path: String,
    /// What stands behind the question mark, with its escapes.
    pub query: String,
    /// Parameters of the route's path, decoded.
    pub params: BTreeMap<String, String>,
    /// Those that the route names and a few harmless ones, their names in lower case.
    pub headers: Vec<Header>,
    /// Where the body is, of a route with a blob.
    pub blob: Option<RouteBlob>,
    #[serde(skip)]
    pub body: Vec<u8>,
}

/// What nobody but the host can call a blob, so that no head which somebody else wrote leads to one.
const INCOMING: &str = "~incoming/";

/// The blob that has the body, of a route with `"request": "blob"`. It is gone after the turn, unless `blobs::rename` has given it another name.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteBlob {
    pub name: String,
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    pub etag: String,
}

impl RouteRequest {
    /// The value of a header that came once. Fails for one that came more often: which of them would a signature be for?
    pub fn header(&self, name: &str) -> Result<Option<&str>, Error> {
        let mut values = self.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        let value = values.next().map(|header| header.value.as_str());
        values.next().map_or(Ok(value), |_| Err(Error::failed(format!("the header {name} is there twice"))))
    }
}

impl Input for RouteRequest {
    fn read(mut bytes: Vec<u8>) -> Result<Self, Error> {
        let wrong = || Error::failed("the input is no raw request: the route needs \"request\": \"raw\" in plugin.json");
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(wrong)?;
        let mut request: Self = serde_json::from_slice(&bytes[..end]).map_err(|_| wrong())?;
        if request.blob.as_ref().is_some_and(|blob| !blob.name.starts_with(INCOMING)) {
            return Err(Error::failed("the input is no raw request: its blob came by no route"));
        }
        request.body = bytes.split_off(end + 1);
        Ok(request)
    }
}

/// Status (200 to 599), headers (docs/configuration.md says which there may be) and body. To be what a service returns.
#[derive(Clone, Debug, Serialize)]
pub struct RouteAnswer {
    pub status: u16,
    pub headers: Vec<Header>,
    /// The name of a blob that is the body, without one here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    #[serde(skip)]
    pub body: Vec<u8>,
}

impl RouteAnswer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![Header { name: "content-type".into(), value: content_type.into() }];
        Self { status, headers, blob: None, body: body.into() }
    }

    /// Without a body.
    pub fn of_status(status: u16) -> Self {
        Self { status, headers: Vec::new(), blob: None, body: Vec::new() }
    }

    /// With the content of a blob as its body, and the blob's media type.
    pub fn of_blob(status: u16, name: impl Into<String>) -> Self {
        Self { blob: Some(name.into()), ..Self::of_status(status) }
    }
}

impl Output for RouteAnswer {
    fn write(self) -> Result<(), Error> {
        let mut bytes = to_json(&self)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        abi::set_output(&bytes);
        Ok(())
    }
}
