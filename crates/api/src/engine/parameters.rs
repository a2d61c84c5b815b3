//! The parameters of a GraphQL request, the same for every transport.

use serde_json::{Map, Value};

use super::persisted::DocumentName;
use crate::error::ApiError;
use model::Invalid;
use model::json::JsonNode;

/// The parameters of a request, with their JSON types checked.
#[derive(Debug, Default)]
pub struct Parameters {
    /// The text of the document, if the request sends it.
    pub(super) query: Option<String>,
    /// The name of the document, instead of its text or in addition.
    pub(super) document_name: Option<DocumentName>,
    /// The operation to run, if the document has several.
    pub(super) operation_name: Option<String>,
    /// The variables as JSON.
    pub(super) variables: Map<String, Value>,
}

impl Parameters {
    /// Reads the members of a JSON object: `query`, `operationName`, `variables`, `extensions`, `documentId`. Other
    /// members are ignored.
    ///
    /// # Errors
    ///
    /// Fails if a member has the wrong type, or if the request neither sends nor names a document.
    pub fn from_members(mut members: Map<String, Value>) -> Result<Self, ApiError> {
        let query = match members.remove("query") {
            Some(Value::String(query)) => Some(query),
            Some(_) => return Err(invalid("`query` must be a string")),
            None => None,
        };
        let operation_name = match members.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
            Some(_) => return Err(invalid("`operationName` must be a string")),
        };
        let variables = match members.remove("variables") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(variables)) => variables,
            Some(_) => return Err(invalid("`variables` must be an object")),
        };
        let in_extensions = match members.remove("extensions") {
            None | Some(Value::Null) => None,
            Some(Value::Object(extensions)) => DocumentName::from_extensions(&extensions)?,
            Some(_) => return Err(invalid("`extensions` must be an object")),
        };
        let document_name = match members.remove("documentId") {
            None | Some(Value::Null) => in_extensions,
            Some(Value::String(id)) => Some(DocumentName::from_id(&id)?),
            Some(_) => return Err(invalid("`documentId` must be a string")),
        };
        if query.is_none() && document_name.is_none() {
            return Err(invalid("`query` is missing"));
        }
        Ok(Self { query, document_name, operation_name, variables })
    }

    /// Reads the parameters of a URL, in which `variables` and `extensions` are JSON. Other parameters are ignored.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::from_members`] does, if a JSON parameter is not JSON or has two members of one name in an object,
    /// and if a parameter is repeated.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, ApiError> {
        let mut members = Map::new();
        for (name, string) in pairs {
            let value = match name.as_str() {
                "query" | "operationName" | "documentId" => Value::String(string),
                "variables" | "extensions" => json(&string)?,
                _ => continue,
            };
            if members.contains_key(&name) {
                return Err(invalid(&format!("the URL has the parameter `{name}` twice")));
            }
            members.insert(name, value);
        }
        Self::from_members(members)
    }
}

fn json(text: &str) -> Result<Value, ApiError> {
    let value = serde_json::from_str(text).ok().zip(JsonNode::parse(text));
    let (value, node) = value.ok_or_else(|| invalid("`variables` and `extensions` must be JSON"))?;
    match node.repeated() {
        Some(path) => Err(invalid(&format!("`{path}` appears twice"))),
        None => Ok(value),
    }
}

fn invalid(sentence: &str) -> ApiError {
    Invalid::new(sentence).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_url(pairs: &[(&str, &str)]) -> Result<Parameters, String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Parameters::from_pairs(pairs).map_err(ApiError::into_message)
    }

    #[test]
    fn repeated_parameters_of_a_url_are_refused() {
        let refused = |pairs: &[(&str, &str)]| from_url(pairs).unwrap_err();
        let query = ("query", "{ viewer { subject } }");
        assert!(from_url(&[query, ("variables", "{\"a\": 1}"), ("a", "1"), ("a", "2")]).is_ok());
        assert_eq!(refused(&[query, query]), "the URL has the parameter `query` twice");
        assert_eq!(
            refused(&[query, ("variables", "{}"), ("variables", "{}")]),
            "the URL has the parameter `variables` twice"
        );
        assert_eq!(refused(&[query, ("variables", "{\"a\": {\"b\": 1, \"b\": 2}}")]), "`a.b` appears twice");
        assert_eq!(refused(&[query, ("variables", "{")]), "`variables` and `extensions` must be JSON");
    }
}
