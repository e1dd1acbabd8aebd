//! DAG-JSON: `{"/": "<cid>"}` is a link, `{"/": {"bytes": "…"}}` are bytes. <https://ipld.io/specs/codecs/dag-json/spec/>
//!
//! Read by serde's visitors, which see the values pass without keeping them; serde_json refuses deeper nesting than
//! 128.

use std::fmt;

use cid::Cid;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Met, place_in_list};
use crate::error::Malformed;

/// The key that only links and bytes have.
const RESERVED: &str = "/";

pub(super) fn links(block: &[u8]) -> Result<Vec<Cid>, Malformed> {
    let mut links = Vec::new();
    read(block, Links(&mut links))?;
    Ok(links)
}

pub(super) fn follow<S: AsRef<str>>(block: &[u8], names: &[S]) -> Result<Met, Malformed> {
    read(block, Follow { names, used: 0 })
}

fn read<'de, T: DeserializeSeed<'de>>(block: &'de [u8], seed: T) -> Result<T::Value, Malformed> {
    let mut source = serde_json::Deserializer::from_slice(block);
    let value = seed.deserialize(&mut source).map_err(|_| Malformed::DagJson)?;
    source.end().map_err(|_| Malformed::DagJson)?;
    Ok(value)
}

/// Visits scalars alike; maps and lists are left to the implementation.
macro_rules! scalars {
    ($value:ident => $result:expr) => {
        fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("DAG-JSON")
        }
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            let $value = self;
            Ok($result)
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            let $value = self;
            Ok($result)
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            let $value = self;
            Ok($result)
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            let $value = self;
            Ok($result)
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            let $value = self;
            Ok($result)
        }
    };
}

/// Collects all links.
struct Links<'l>(&'l mut Vec<Cid>);

impl<'de> DeserializeSeed<'de> for Links<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Links<'_> {
    type Value = ();

    scalars!(_this => ());

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Links(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == RESERVED {
                self.0.extend(map.next_value_seed(Reserved)?);
            } else {
                map.next_value_seed(Links(self.0))?;
            }
        }
        Ok(())
    }
}

/// What stands under the reserved key: a link's CID, or `None` for bytes.
struct Reserved;

impl<'de> DeserializeSeed<'de> for Reserved {
    type Value = Option<Cid>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Option<Cid>, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reserved {
    type Value = Option<Cid>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a CID, or bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<Cid>, E> {
        text.parse().map(Some).map_err(|_| E::custom("not a CID"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Cid>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Follows names up to the first link.
struct Follow<'n, S> {
    names: &'n [S],
    used: usize,
}

impl<S: AsRef<str>> Follow<'_, S> {
    fn next_name(&self) -> Option<&str> {
        self.names.get(self.used).map(AsRef::as_ref)
    }

    /// What is met where nothing has names.
    fn end(&self) -> Met {
        if self.used == self.names.len() { Met::Value } else { Met::Nothing { names: self.used } }
    }

    fn one_further(&self) -> Self {
        Self { names: self.names, used: self.used + 1 }
    }
}

impl<'de, S: AsRef<str>> DeserializeSeed<'de> for Follow<'_, S> {
    type Value = Met;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Met, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de, S: AsRef<str>> Visitor<'de> for Follow<'_, S> {
    type Value = Met;

    scalars!(this => this.end());

    fn visit_str<E: Error>(self, _: &str) -> Result<Met, E> {
        Ok(self.end())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Met, A::Error> {
        let mut met = self.end();
        let wanted = self.next_name().and_then(place_in_list);
        for place in 0u64.. {
            if Some(place) == wanted {
                match list.next_element_seed(self.one_further())? {
                    Some(found) => met = found,
                    None => break,
                }
            } else if list.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(met)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Met, A::Error> {
        let mut met = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == RESERVED {
                let link = map.next_value_seed(Reserved)?.filter(|_| self.used > 0);
                met = Some(link.map_or(self.end(), |cid| Met::Link { cid: Box::new(cid), names: self.used }));
            } else if met.is_none() && self.next_name() == Some(&key) {
                met = Some(map.next_value_seed(self.one_further())?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(met.unwrap_or(self.end()))
    }
}
