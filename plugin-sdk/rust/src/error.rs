// Why something failed, as a value. What fails in a handler is told to the caller: a refusal with its reason, anything else by Display.

use crate::ErrorCode;
use serde::Deserialize;
use std::fmt;

/// A refusal or failure. Branch on `code`, and of `ErrorCode::Refused` on `reason`; show `message` to people.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Error {
    pub code: ErrorCode,
    /// What was refused, the limit, the current value, the remedy.
    pub message: String,
    pub detail: Option<String>,
    /// Why a provider said no.
    pub reason: Option<String>,
    /// How long to wait before it may go, where that is known.
    pub retry_after_ms: Option<u32>,
}

impl Error {
    /// The plugin's own failure, with the code `plugin-failed`.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::PluginFailed, message)
    }

    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, reason: None, retry_after_ms: None }
    }

    /// What a handler says no with: the caller is told `refused` with this reason, `not-found`, `invalid-input`, `conflict`, `forbidden`, `unavailable` or one
    /// of `services.<name>.errors` in the manifest. A refusal that another plugin gave is handed on as it is by `?`.
    pub fn refused(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(ErrorCode::Refused, message) }
    }

    /// When what is `unavailable` may be there again.
    pub fn retry_after(self, ms: u32) -> Self {
        Self { retry_after_ms: Some(ms), ..self }
    }

    /// The bytes that tell the caller (docs/abi.md, entry points).
    pub(crate) fn told(&self) -> Vec<u8> {
        match (&self.code, &self.reason) {
            (ErrorCode::Refused, Some(reason)) => {
                let refusal = serde_json::json!({ "code": reason, "message": self.message, "retryAfterMs": self.retry_after_ms });
                [b"\x01", refusal.to_string().as_bytes()].concat()
            }
            _ => self.to_string().into_bytes(),
        }
    }
}

/// What the plugin itself refuses is said as it is; what the host refused keeps its code, so that the caller sees the cause.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            ErrorCode::PluginFailed => f.write_str(&self.message),
            code => write!(f, "{}: {}", code.name(), self.message),
        }
    }
}

impl std::error::Error for Error {}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(ErrorCode::InvalidMessage, error.to_string())
    }
}
