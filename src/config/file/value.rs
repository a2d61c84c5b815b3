//! Values of the configuration file, which are validated where they are parsed.

use serde::Deserialize;

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "i64")]
pub struct Bounded<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    /// Returns the number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> TryFrom<i64> for Bounded<MIN, MAX> {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let fits = u64::try_from(number).ok().filter(|number| (MIN..=MAX).contains(number));
        fits.map(Self).ok_or_else(|| format!("{number} is out of bounds: it must be from {MIN} to {MAX}"))
    }
}

/// A string that is not blank and has no control characters.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct NonBlankString(String);

impl NonBlankString {
    /// Returns the string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NonBlankString {
    type Error = &'static str;

    fn try_from(string: String) -> Result<Self, Self::Error> {
        let fits = !string.trim().is_empty() && !string.contains(char::is_control);
        if fits { Ok(Self(string)) } else { Err("must not be blank or contain control characters") }
    }
}

/// A list with at least one element.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Vec<T>")]
pub struct NonEmptyList<T>(pub Vec<T>);

impl<T> TryFrom<Vec<T>> for NonEmptyList<T> {
    type Error = &'static str;

    fn try_from(list: Vec<T>) -> Result<Self, Self::Error> {
        if list.is_empty() { Err("this list must have at least one element") } else { Ok(Self(list)) }
    }
}

/// A list with at least one element, which may be written as that element alone.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "ElementOrList<T>")]
pub struct OneOrMore<T>(pub Vec<T>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a string or a list of strings, none of them blank")]
enum ElementOrList<T> {
    Element(T),
    List(Vec<T>),
}

impl<T> TryFrom<ElementOrList<T>> for OneOrMore<T> {
    type Error = &'static str;

    fn try_from(value: ElementOrList<T>) -> Result<Self, Self::Error> {
        match value {
            ElementOrList::Element(element) => Ok(Self(vec![element])),
            ElementOrList::List(list) => NonEmptyList::try_from(list).map(|list| Self(list.0)),
        }
    }
}
