//! JSON out of a plugin: serde_json's, but that a number which JSON cannot say is refused with its path; serde_json writes null.

use crate::Error;
use serde::ser::{self, Serialize, Serializer};
use std::fmt::{self, Display};

/// Writes JSON. Fails with `plugin-failed`, and the path, for NaN and infinities, and with what serde_json says for what else has no form.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let bytes = serde_json::to_vec(value).map_err(|error| Error::failed(error.to_string()))?;
    // Only what was written as null may have been a number.
    if bytes.windows(4).any(|four| four == b"null") {
        value.serialize(Search { path: String::new() }).map_err(|found| Error::failed(found.0))?;
    }
    Ok(bytes)
}

#[derive(Debug)]
struct Found(String);

impl Display for Found {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}
impl std::error::Error for Found {}
impl ser::Error for Found {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Writes nothing; ends at the first number that is none.
#[derive(Clone)]
struct Search {
    path: String,
}

impl Search {
    fn within(&self, name: impl Display) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { path: format!("{}{dot}{name}", self.path) }
    }
    fn float(&self, value: f64) -> Result<(), Found> {
        let path = if self.path.is_empty() { "the value" } else { &self.path };
        if value.is_finite() { Ok(()) } else { Err(Found(format!("{path} is {value}, which JSON has no form for"))) }
    }
}

/// What has items: of a list by their numbers, of a map by their keys, of a struct by its fields.
struct Items {
    search: Search,
    index: usize,
    key: String,
}

impl Items {
    fn of(search: Search) -> Self {
        Self { search, index: 0, key: String::new() }
    }
    fn next<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        self.index += 1;
        value.serialize(self.search.within(self.index - 1))
    }
}

macro_rules! nothing {
    ($($method:ident($($type:ty),*))*) => { $(fn $method(self $(, _: $type)*) -> Result<(), Found> { Ok(()) })* };
}

impl Serializer for Search {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Items;
    type SerializeStruct = Items;
    type SerializeStructVariant = Items;

    nothing! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_char(char) serialize_str(&str) serialize_bytes(&[u8]) serialize_none() serialize_unit()
        serialize_unit_struct(&'static str) serialize_unit_variant(&'static str, u32, &'static str)
    }
    fn serialize_f32(self, value: f32) -> Result<(), Found> {
        self.float(value.into())
    }
    fn serialize_f64(self, value: f64) -> Result<(), Found> {
        self.float(value)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, variant: &'static str, value: &T) -> Result<(), Found> {
        value.serialize(self.within(variant))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Found> {
        Ok(Items::of(self))
    }
    fn serialize_tuple(self, _: usize) -> Result<Items, Found> {
        Ok(Items::of(self))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Found> {
        Ok(Items::of(self))
    }
    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Items, Found> {
        Ok(Items::of(self.within(variant)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Items, Found> {
        Ok(Items::of(self))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items, Found> {
        Ok(Items::of(self))
    }
    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Items, Found> {
        Ok(Items::of(self.within(variant)))
    }
}

macro_rules! listing {
    ($($trait:ident $method:ident)*) => { $(impl ser::$trait for Items {
        type Ok = ();
        type Error = Found;
        fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
            self.next(value)
        }
        fn end(self) -> Result<(), Found> {
            Ok(())
        }
    })* };
}
listing! { SerializeSeq serialize_element SerializeTuple serialize_element SerializeTupleStruct serialize_field SerializeTupleVariant serialize_field }

macro_rules! naming {
    ($($trait:ident)*) => { $(impl ser::$trait for Items {
        type Ok = ();
        type Error = Found;
        fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Found> {
            value.serialize(self.search.within(name))
        }
        fn end(self) -> Result<(), Found> {
            Ok(())
        }
    })* };
}
naming! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Items {
    type Ok = ();
    type Error = Found;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Found> {
        self.key = serde_json::to_string(key).map_err(ser::Error::custom)?.trim_matches('"').to_owned();
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        value.serialize(self.search.within(&self.key))
    }
    fn end(self) -> Result<(), Found> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize)]
    enum Reading {
        Missing,
        Value(f64),
    }
    #[derive(serde::Serialize)]
    struct Room {
        name: Option<String>,
        readings: Vec<Reading>,
    }

    fn refusal(value: impl Serialize) -> String {
        to_json(&value).unwrap_err().message
    }

    #[test]
    fn a_number_that_is_none_is_refused_with_its_path() {
        let room = |value| Room { name: None, readings: vec![Reading::Missing, Reading::Value(value)] };
        assert_eq!(to_json(&room(1.5)).unwrap(), br#"{"name":null,"readings":["Missing",{"Value":1.5}]}"#);
        assert_eq!(refusal(room(f64::NAN)), "readings.1.Value is NaN, which JSON has no form for");
        assert_eq!(refusal([Some(f32::INFINITY)]), "0 is inf, which JSON has no form for");
        assert_eq!(refusal(f64::NEG_INFINITY), "the value is -inf, which JSON has no form for");
        assert_eq!(refusal(std::collections::BTreeMap::from([("a", [f64::NAN])])), "a.0 is NaN, which JSON has no form for");
    }
}
