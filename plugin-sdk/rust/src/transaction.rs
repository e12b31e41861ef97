// Reads and writes of the storage that belong together: they are committed where what was read still holds.

use crate::storage::{self, Change, Check, Versioned};
use crate::{Error, ErrorCode};
use std::collections::BTreeMap;

const MAX_RUNS: usize = 10;

/// What [`transaction`] gives to its function. Nothing of it is in the storage before the function has returned.
#[derive(Default)]
pub struct Transaction {
    read: BTreeMap<String, Option<Versioned>>,
    changes: BTreeMap<String, Change>,
}

impl Transaction {
    /// What this transaction has set, else the value in the storage, each time the same.
    pub fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        if let Some(change) = self.changes.get(key) {
            return Ok(change.value.as_ref().map(|value| value.to_vec()));
        }
        if !self.read.contains_key(key) {
            self.read.insert(key.into(), storage::get_versioned(key)?);
        }
        Ok(self.read[key].as_ref().map(|found| found.value.to_vec()))
    }

    pub fn set(&mut self, key: &str, value: impl Into<Vec<u8>>) {
        self.change(key, Some(value.into()), None);
    }

    /// Sets a value that ends `ttl_ms` milliseconds later.
    pub fn set_for(&mut self, key: &str, value: impl Into<Vec<u8>>, ttl_ms: u64) {
        self.change(key, Some(value.into()), Some(ttl_ms));
    }

    pub fn delete(&mut self, key: &str) {
        self.change(key, None, None);
    }

    fn change(&mut self, key: &str, value: Option<Vec<u8>>, ttl_ms: Option<u64>) {
        let value = value.map(Into::into);
        self.changes.insert(key.into(), Change { key: key.into(), value, ttl_ms });
    }

    fn commit(self) -> Result<bool, Error> {
        let version = |found: Option<Versioned>| found.map_or(0, |found| found.version);
        let checks: Vec<_> = self.read.into_iter().map(|(key, found)| Check { key, version: version(found) }).collect();
        let changes: Vec<_> = self.changes.into_values().collect();
        Ok(storage::commit(&checks, &changes)?.committed)
    }
}

/// Runs a function and commits what it set and deleted, all or nothing, provided that no key it read has changed since; else the
/// function runs again, so it may run several times and should do nothing else. An error of it ends the transaction, and nothing is
/// committed. `storage::scan` and `storage::keys` are not part of it.
///
/// Fails with conflict after 10 runs, and with what `storage::commit` fails with.
pub fn transaction<T>(mut run: impl FnMut(&mut Transaction) -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..MAX_RUNS {
        let mut attempt = Transaction::default();
        let answer = run(&mut attempt)?;
        if attempt.commit()? {
            return Ok(answer);
        }
    }
    let message = format!("what the transaction read was changed in each of {MAX_RUNS} runs; read fewer keys, or try again later");
    Err(Error::new(ErrorCode::Conflict, message))
}
