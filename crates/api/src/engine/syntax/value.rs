//! Values and types in documents.

use async_graphql::parser::types::{BaseType, Type};
use async_graphql::{Name, Positioned, Value as Constant};
use async_graphql_value::{Value, indexmap};

use super::lexer::Token;
use super::{Parser, Result};

impl Parser<'_> {
    pub(super) fn argument(&mut self, is_constant: bool) -> Result<(Positioned<Name>, Positioned<Value>)> {
        let name = self.name()?;
        self.punctuator(':')?;
        let pos = self.pos;
        Ok((name, Positioned::new(self.value(is_constant)?, pos)))
    }

    /// A value without variables.
    pub(super) fn constant(&mut self) -> Result<Positioned<Constant>> {
        let pos = self.pos;
        let expected = self.expected("a value without variables");
        let value = self.value(true)?.into_const().ok_or(expected)?;
        Ok(Positioned::new(value, pos))
    }

    fn value(&mut self, is_constant: bool) -> Result<Value> {
        let value = match &self.token {
            Token::Punctuator('[') => return self.list_value(is_constant),
            Token::Punctuator('{') => return self.object_value(is_constant),
            Token::Punctuator('$') if !is_constant => {
                self.next()?;
                return Ok(Value::Variable(self.name()?.node));
            }
            Token::Name("null") => Value::Null,
            Token::Name("true") => Value::Boolean(true),
            Token::Name("false") => Value::Boolean(false),
            Token::Name(name) => Value::Enum(Name::new(name)),
            Token::Number(number) => match number.parse() {
                Ok(number) => Value::Number(number),
                Err(_) => return Err(self.expected("a number")),
            },
            Token::String(string) => Value::String(string.clone()),
            _ if is_constant => return Err(self.expected("a value without variables")),
            _ => return Err(self.expected("a value")),
        };
        self.next()?;
        Ok(value)
    }

    fn list_value(&mut self, is_constant: bool) -> Result<Value> {
        self.begin_level()?;
        self.punctuator('[')?;
        let mut elements = Vec::new();
        while !self.skip(']')? {
            elements.push(self.value(is_constant)?);
        }
        self.levels -= 1;
        Ok(Value::List(elements))
    }

    fn object_value(&mut self, is_constant: bool) -> Result<Value> {
        self.begin_level()?;
        self.punctuator('{')?;
        let mut members = indexmap::IndexMap::new();
        while !self.skip('}')? {
            let name = self.name()?;
            self.punctuator(':')?;
            let value = self.value(is_constant)?;
            if members.contains_key(&name.node) {
                self.repeated(format!("an object has two members with the name `{}`", name.node), name.pos);
            }
            members.insert(name.node, value);
        }
        self.levels -= 1;
        Ok(Value::Object(members))
    }

    pub(super) fn type_reference(&mut self) -> Result<Positioned<Type>> {
        let pos = self.pos;
        self.begin_level()?;
        let base = if self.skip('[')? {
            let element = self.type_reference()?.node;
            self.punctuator(']')?;
            BaseType::List(Box::new(element))
        } else {
            BaseType::Named(self.name()?.node)
        };
        self.levels -= 1;
        let nullable = !self.skip('!')?;
        Ok(Positioned::new(Type { base, nullable }, pos))
    }
}
