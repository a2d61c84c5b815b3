//! Numbers as strings of digits and letters, for ids and secrets that are copied by hand, selected with a double click
//! and put into URLs.

/// The digits, in ascending order.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The number of digits that every `u128` fits into.
pub const U128_DIGITS: usize = 22;

/// Writes a number with exactly `digits` digits. Leading digits that do not fit are omitted.
pub fn encode(mut number: u128, digits: usize) -> String {
    let mut reversed = Vec::with_capacity(digits);
    for _ in 0..digits {
        // The remainder is less than 62.
        reversed.push(char::from(DIGITS[usize::try_from(number % 62).unwrap_or_default()]));
        number /= 62;
    }
    reversed.into_iter().rev().collect()
}

/// Returns the number that [`encode`] wrote, or `None` if the string has another character or exceeds a `u128`.
pub fn decode(string: &str) -> Option<u128> {
    string.bytes().try_fold(0_u128, |number, byte| {
        let digit = DIGITS.binary_search(&byte).ok()?;
        number.checked_mul(62)?.checked_add(u128::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_round_trip() {
        for (number, digits) in [(0, 1), (61, 1), (62, 2), (u128::from(u64::MAX), 11), (u128::MAX, U128_DIGITS)] {
            let string = encode(number, digits);
            assert_eq!((string.len(), decode(&string)), (digits, Some(number)), "{string}");
        }
        assert_eq!(encode(62, 6), "000010");
        assert_eq!(encode(62 * 62 + 1, 2), "01", "only the last digits");
    }

    #[test]
    fn other_strings_are_no_numbers() {
        for string in ["a_b", "-1", " 1", "é", "zzzzzzzzzzzzzzzzzzzzzz"] {
            assert_eq!(decode(string), None, "{string}");
        }
    }
}
