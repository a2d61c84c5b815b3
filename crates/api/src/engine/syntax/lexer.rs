//! The tokens of a document, with their positions.

use async_graphql::Pos;

use super::string;
use super::{PositionedError, Result};

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Punctuator(char),
    /// `...`
    Spread,
    /// A name.
    Name(&'a str),
    /// A number, as it is written.
    Number(&'a str),
    /// A string or a block string, with its escapes replaced.
    String(String),
    /// The end of the document.
    End,
}

impl Token<'_> {
    /// The token as an error message shows it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Punctuator(character) => format!("`{character}`"),
            Self::Spread => "`...`".to_owned(),
            Self::Name(name) => format!("`{}`", shortened(name)),
            Self::Number(number) => format!("`{}`", shortened(number)),
            Self::String(_) => "a string".to_owned(),
            Self::End => "the end of the document".to_owned(),
        }
    }
}

/// The first characters of a part of the document.
fn shortened(part: &str) -> String {
    part.chars().take(60).collect()
}

/// Reads tokens. The work is linear in the length of the text.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    column: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, column: 1 }
    }

    /// The next token and its position.
    pub(super) fn token(&mut self) -> Result<(Token<'a>, Pos)> {
        self.skip_ignored();
        let pos = Pos { line: self.line, column: self.column };
        let Some(first) = self.peek() else { return Ok((Token::End, pos)) };
        let token = match first {
            '!' | '$' | '&' | '(' | ')' | ':' | '=' | '@' | '[' | ']' | '{' | '|' | '}' => {
                self.advance(first.len_utf8());
                Token::Punctuator(first)
            }
            '.' if self.rest().starts_with("...") => {
                self.advance(3);
                Token::Spread
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = self.rest().bytes().take_while(|byte| is_name_byte(*byte)).count();
                Token::Name(self.take(length))
            }
            '-' | '0'..='9' => Token::Number(self.number(pos)?),
            '"' => {
                let (value, length) =
                    string::read(self.rest()).map_err(|sentence| PositionedError { sentence, pos })?;
                self.advance(length);
                Token::String(value)
            }
            other => {
                return Err(PositionedError {
                    sentence: format!("unexpected character `{}`", other.escape_debug()),
                    pos,
                });
            }
        };
        Ok((token, pos))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.advance(length);
        taken
    }

    /// Moves over `length` bytes and counts their lines and columns.
    fn advance(&mut self, length: usize) {
        let mut characters = self.rest().get(..length).unwrap_or_default().chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\r' if characters.peek() == Some(&'\n') => {}
                '\n' | '\r' => {
                    self.line += 1;
                    self.column = 1;
                }
                _ => self.column += 1,
            }
        }
        self.at += length;
    }

    /// Moves over white space, commas, byte order marks and comments.
    fn skip_ignored(&mut self) {
        let mut in_comment = false;
        let ignored = self.rest().find(|character: char| {
            match character {
                '\n' | '\r' => in_comment = false,
                '#' => in_comment = true,
                _ => {}
            }
            !in_comment && !matches!(character, ' ' | '\t' | '\n' | '\r' | ',' | '\u{feff}')
        });
        self.advance(ignored.unwrap_or(self.rest().len()));
    }

    fn number(&mut self, pos: Pos) -> Result<&'a str> {
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let invalid = |sentence: &str| Err(PositionedError { sentence: sentence.to_owned(), pos });
        let sign = usize::from(bytes.first() == Some(&b'-'));
        let integer = digits(sign);
        if integer == 0 {
            return invalid("a number needs at least one digit");
        }
        if integer > 1 && bytes.get(sign) == Some(&b'0') {
            return invalid("a number must not start with `0`");
        }
        let mut length = sign + integer;
        if bytes.get(length) == Some(&b'.') {
            let fraction = digits(length + 1);
            if fraction == 0 {
                return invalid("a number needs a digit after the point");
            }
            length += 1 + fraction;
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent == 0 {
                return invalid("the exponent of a number needs a digit");
            }
            length += 1 + sign + exponent;
        }
        if bytes.get(length).is_some_and(|byte| *byte == b'.' || is_name_byte(*byte)) {
            return invalid("a number must not be followed by a letter or a point");
        }
        Ok(self.take(length))
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}
