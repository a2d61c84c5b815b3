//! The parser of executable documents, by the GraphQL specification of September 2025.
//!
//! The parser of the library drops what validation needs: of a repeated member of an object literal it keeps the last
//! one, and the same is true of a repeated name of a fragment. It also refuses surrogate pairs, `\u{...}` and
//! descriptions, and accepts empty lists of variables. The tree is the library's own, which executes it.

mod lexer;
mod string;
mod value;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, FragmentSpread, InlineFragment,
    OperationDefinition, OperationType, Selection, SelectionSet, TypeCondition, VariableDefinition,
};
use async_graphql::{Name, Pos, Positioned};

use lexer::{Lexer, Token};

/// The most levels of selections, lists and objects that the parser enters, for a bounded stack.
const LEVELS_MAX: usize = 200;

/// An error in the text of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PositionedError {
    /// What is wrong.
    pub(crate) sentence: String,
    /// The position in the text.
    pub(crate) pos: Pos,
}

type Result<T> = std::result::Result<T, PositionedError>;

/// A document that follows the grammar.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The document.
    pub(crate) document: ExecutableDocument,
    /// Names that occur twice where each may occur once. The document does not contain the repetitions, so it must not
    /// be executed if there is any.
    pub(crate) repetitions: Vec<PositionedError>,
}

/// Parses a document.
///
/// # Errors
///
/// Fails if the text does not follow the grammar.
pub(crate) fn parse(text: &str) -> Result<Parsed> {
    let mut lexer = Lexer::new(text);
    let (token, pos) = lexer.token()?;
    Parser { lexer, token, pos, levels: 0, repetitions: Vec::new() }.document()
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The next token.
    token: Token<'a>,
    pos: Pos,
    levels: usize,
    repetitions: Vec<PositionedError>,
}

impl<'a> Parser<'a> {
    fn document(mut self) -> Result<Parsed> {
        let mut unnamed = None;
        let mut operations = HashMap::new();
        let mut fragments = HashMap::new();
        while self.token != Token::End {
            let pos = self.pos;
            let has_description = self.description()?;
            match self.token {
                Token::Punctuator('{') if !has_description => {
                    let operation = self.operation_of(OperationType::Query, pos)?;
                    self.add_unnamed(&mut unnamed, operation);
                }
                Token::Name("fragment") => {
                    let (name, fragment) = self.fragment()?;
                    self.add(&mut fragments, "fragments", name, fragment);
                }
                Token::Name(keyword @ ("query" | "mutation" | "subscription")) => {
                    let kind = match keyword {
                        "query" => OperationType::Query,
                        "mutation" => OperationType::Mutation,
                        _ => OperationType::Subscription,
                    };
                    self.next()?;
                    let name = if matches!(self.token, Token::Name(_)) { Some(self.name()?) } else { None };
                    let operation = self.operation_of(kind, pos)?;
                    match name {
                        Some(name) => self.add(&mut operations, "operations", name, operation),
                        None => self.add_unnamed(&mut unnamed, operation),
                    }
                }
                _ => return Err(self.expected("an operation or a fragment")),
            }
        }
        if let (Some(unnamed), false) = (&unnamed, operations.is_empty()) {
            self.repeated("an operation without a name must be the only one".to_owned(), unnamed.pos);
        }
        let operations = match unnamed {
            Some(operation) => DocumentOperations::Single(operation),
            None if operations.is_empty() => return Err(self.expected("an operation")),
            None => DocumentOperations::Multiple(operations),
        };
        Ok(Parsed { document: ExecutableDocument { operations, fragments }, repetitions: self.repetitions })
    }

    fn add<T>(
        &mut self,
        map: &mut HashMap<Name, Positioned<T>>,
        what: &str,
        name: Positioned<Name>,
        definition: Positioned<T>,
    ) {
        match map.entry(name.node) {
            Entry::Vacant(entry) => drop(entry.insert(definition)),
            Entry::Occupied(entry) => {
                let sentence = format!("two {what} have the name `{}`", entry.key());
                self.repeated(sentence, name.pos);
            }
        }
    }

    fn add_unnamed(
        &mut self,
        unnamed: &mut Option<Positioned<OperationDefinition>>,
        operation: Positioned<OperationDefinition>,
    ) {
        if unnamed.is_some() {
            self.repeated("an operation without a name must be the only one".to_owned(), operation.pos);
        }
        *unnamed = Some(operation);
    }

    fn repeated(&mut self, sentence: String, pos: Pos) {
        self.repetitions.push(PositionedError { sentence, pos });
    }

    fn operation_of(&mut self, ty: OperationType, pos: Pos) -> Result<Positioned<OperationDefinition>> {
        let variable_definitions = self.optional_list('(', ')', Self::variable_definition)?;
        let directives = self.directives(false)?;
        let selection_set = self.selection_set()?;
        Ok(Positioned::new(OperationDefinition { ty, variable_definitions, directives, selection_set }, pos))
    }

    fn variable_definition(&mut self) -> Result<Positioned<VariableDefinition>> {
        let pos = self.pos;
        self.description()?;
        self.punctuator('$')?;
        let name = self.name()?;
        self.punctuator(':')?;
        let var_type = self.type_reference()?;
        let default_value = if self.skip('=')? { Some(self.constant()?) } else { None };
        let directives = self.directives(true)?;
        Ok(Positioned::new(VariableDefinition { name, var_type, directives, default_value }, pos))
    }

    fn fragment(&mut self) -> Result<(Positioned<Name>, Positioned<FragmentDefinition>)> {
        let pos = self.pos;
        self.next()?;
        if self.token == Token::Name("on") {
            return Err(self.expected("the name of a fragment, which must not be `on`,"));
        }
        let name = self.name()?;
        if self.token != Token::Name("on") {
            return Err(self.expected("`on`"));
        }
        let type_condition = self.type_condition()?;
        let directives = self.directives(false)?;
        let selection_set = self.selection_set()?;
        Ok((name, Positioned::new(FragmentDefinition { type_condition, directives, selection_set }, pos)))
    }

    fn type_condition(&mut self) -> Result<Positioned<TypeCondition>> {
        let pos = self.pos;
        self.next()?;
        Ok(Positioned::new(TypeCondition { on: self.name()? }, pos))
    }

    fn selection_set(&mut self) -> Result<Positioned<SelectionSet>> {
        let pos = self.pos;
        self.begin_level()?;
        let items = self.list('{', '}', Self::selection)?;
        self.levels -= 1;
        Ok(Positioned::new(SelectionSet { items }, pos))
    }

    fn selection(&mut self) -> Result<Positioned<Selection>> {
        let pos = self.pos;
        if self.token != Token::Spread {
            return Ok(Positioned::new(Selection::Field(self.field()?), pos));
        }
        self.next()?;
        if let Token::Name(name) = self.token
            && name != "on"
        {
            let fragment_name = self.name()?;
            let spread = FragmentSpread { fragment_name, directives: self.directives(false)? };
            return Ok(Positioned::new(Selection::FragmentSpread(Positioned::new(spread, pos)), pos));
        }
        let type_condition = if self.token == Token::Name("on") { Some(self.type_condition()?) } else { None };
        let directives = self.directives(false)?;
        let fragment = InlineFragment { type_condition, directives, selection_set: self.selection_set()? };
        Ok(Positioned::new(Selection::InlineFragment(Positioned::new(fragment, pos)), pos))
    }

    fn field(&mut self) -> Result<Positioned<Field>> {
        let pos = self.pos;
        let first = self.name()?;
        let (alias, name) = if self.skip(':')? { (Some(first), self.name()?) } else { (None, first) };
        let arguments = self.optional_list('(', ')', |parser| parser.argument(false))?;
        let directives = self.directives(false)?;
        let selection_set = if self.token == Token::Punctuator('{') {
            self.selection_set()?
        } else {
            Positioned::new(SelectionSet::default(), self.pos)
        };
        Ok(Positioned::new(Field { alias, name, arguments, directives, selection_set }, pos))
    }

    fn directives(&mut self, is_constant: bool) -> Result<Vec<Positioned<Directive>>> {
        let mut directives = Vec::new();
        while self.token == Token::Punctuator('@') {
            let pos = self.pos;
            self.next()?;
            let name = self.name()?;
            let arguments = self.optional_list('(', ')', |parser| parser.argument(is_constant))?;
            directives.push(Positioned::new(Directive { name, arguments }, pos));
        }
        Ok(directives)
    }

    /// Skips a description, and returns whether there is one.
    fn description(&mut self) -> Result<bool> {
        let is_there = matches!(self.token, Token::String(_));
        if is_there {
            self.next()?;
        }
        Ok(is_there)
    }

    fn next(&mut self) -> Result<Token<'a>> {
        let (token, pos) = self.lexer.token()?;
        self.pos = pos;
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn name(&mut self) -> Result<Positioned<Name>> {
        let Token::Name(name) = self.token else { return Err(self.expected("a name")) };
        let name = Positioned::new(Name::new(name), self.pos);
        self.next()?;
        Ok(name)
    }

    fn skip(&mut self, punctuator: char) -> Result<bool> {
        let is_next = self.token == Token::Punctuator(punctuator);
        if is_next {
            self.next()?;
        }
        Ok(is_next)
    }

    fn punctuator(&mut self, punctuator: char) -> Result<()> {
        if self.skip(punctuator)? { Ok(()) } else { Err(self.expected(&format!("`{punctuator}`"))) }
    }

    /// At least one item between brackets.
    fn list<T>(&mut self, open: char, close: char, item: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.punctuator(open)?;
        let mut items = vec![item(self)?];
        while !self.skip(close)? {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// At least one item between brackets, or nothing.
    fn optional_list<T>(&mut self, open: char, close: char, item: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        if self.token == Token::Punctuator(open) { self.list(open, close, item) } else { Ok(Vec::new()) }
    }

    fn begin_level(&mut self) -> Result<()> {
        self.levels += 1;
        if self.levels <= LEVELS_MAX {
            return Ok(());
        }
        Err(PositionedError { sentence: format!("the document has more than {LEVELS_MAX} levels"), pos: self.pos })
    }

    fn expected(&self, what: &str) -> PositionedError {
        PositionedError { sentence: format!("expected {what} instead of {}", self.token.describe()), pos: self.pos }
    }
}

#[cfg(test)]
mod tests;
