// The configuration as a struct: the host gives texts, and JSON for what is none.

use crate::{Error, config};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Reads a key for each field of a struct, by the field's type: `read_config::<Settings>()`. What was not configured, and has no default in the manifest, is None, or
/// what `#[serde(default)]` says. The text `null` in an optional field is None.
///
/// Fails with `plugin-failed`, and the key, for a value of another type, and for one that is missing; with what `config::get` fails with.
pub fn read_config<T: DeserializeOwned>() -> Result<T, Error> {
    T::deserialize(Root).map_err(|wrong| wrong.0)
}

#[derive(Debug)]
struct Wrong(Error);

impl fmt::Display for Wrong {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}
impl std::error::Error for Wrong {}
impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Error::failed(message.to_string()))
    }
    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("config.{field} is missing; write it in plugins.<name>.config"))
    }
}

struct Root;

impl<'de> Deserializer<'de> for Root {
    type Error = Wrong;
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Wrong> {
        Err(de::Error::custom("read_config reads a struct whose fields are keys of the configuration, without #[serde(flatten)]"))
    }
    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(Configured { fields: fields.iter(), found: None })
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Configured {
    fields: std::slice::Iter<'static, &'static str>,
    found: Option<(&'static str, String)>,
}

impl<'de> MapAccess<'de> for Configured {
    type Error = Wrong;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        for key in self.fields.by_ref() {
            if let Some(text) = config::get(key).map_err(Wrong)? {
                self.found = Some((key, text));
                let name: StrDeserializer<Wrong> = (*key).into_deserializer();
                return seed.deserialize(name).map(Some);
            }
        }
        Ok(None)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let (key, text) = self.found.take().unwrap_or_default();
        seed.deserialize(Text(text)).map_err(|wrong| de::Error::custom(format!("config.{key} does not fit: {wrong}")))
    }
}

struct Text(String);

impl Text {
    /// A text that is the JSON of something else is that.
    fn value(self) -> Value {
        match serde_json::from_str(&self.0) {
            Ok(Value::String(_)) | Err(_) => Value::String(self.0),
            Ok(value) => value,
        }
    }
}

macro_rules! as_value {
    ($($method:ident($($name:ident: $type:ty),*))*) => { $(fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
        self.value().$method($($name,)* visitor)
    })* };
}
macro_rules! as_text {
    ($($method:ident)*) => { $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        Value::String(self.0).$method(visitor)
    })* };
}

impl<'de> Deserializer<'de> for Text {
    type Error = serde_json::Error;
    as_text! { deserialize_char deserialize_str deserialize_string deserialize_identifier }
    as_value! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128() deserialize_f32() deserialize_f64()
        deserialize_bytes() deserialize_byte_buf() deserialize_unit() deserialize_seq() deserialize_map() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str) deserialize_tuple(length: usize) deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0 == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }
}
