//! Numbers as BASIC reads, computes and prints them.
//!
//! Integers have 64 bits; what overflows becomes a real, and a result of arithmetic that is integral
//! becomes an integer. Printing follows C's `%d` and `%g`.

use crate::value::Val;

/// The first real beyond all integers.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

/// A result of arithmetic: an integer where it is one.
#[inline]
pub(crate) fn computed(real: f64) -> Val {
    if real.fract() == 0.0 && (-BEYOND..BEYOND).contains(&real) { Val::Int(real as i64) } else { Val::Real(real) }
}

/// A real as `%g` prints it, with six digits.
pub(crate) fn show_real(real: f64) -> String {
    if real.is_nan() {
        return "nan".to_owned();
    }
    if real.is_infinite() {
        return if real > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{real:.5e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let places = usize::try_from(5 - exponent).unwrap_or(0);
        return without_zeros(&format!("{real:.places$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(digits), exponent.unsigned_abs())
}

/// Digits without zeros behind the point that say nothing.
fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Reads an unsigned number as it stands in a program: decimal, `0x`, a leading zero for octal, or real.
pub(crate) fn parse(text: &str) -> Option<Val> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return based(digits, 16);
    }
    if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
        if text.len() > 1
            && let Some(digits) = text.strip_prefix('0')
            && let Some(octal) = based(digits, 8)
        {
            return Some(octal);
        }
        return Some(text.parse().map_or_else(|_| Val::Real(text.parse().unwrap_or(f64::INFINITY)), Val::Int));
    }
    let plain = text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let begins = text.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if plain && begins { text.parse().ok().map(Val::Real) } else { None }
}

/// Reads digits of a base other than ten; beyond 64 bits it is a real.
fn based(digits: &str, base: u32) -> Option<Val> {
    if digits.is_empty() || !digits.chars().all(|it| it.is_digit(base)) {
        return None;
    }
    let real = || {
        digits
            .chars()
            .filter_map(|it| it.to_digit(base))
            .fold(0.0, |sum, digit| sum * f64::from(base) + f64::from(digit))
    };
    Some(i64::from_str_radix(digits, base).map_or_else(|_| Val::Real(real()), Val::Int))
}

/// Reads a number as a user types it: with a sign, and space around it.
pub(crate) fn parse_signed(text: &[u8]) -> Option<Val> {
    let text = std::str::from_utf8(text).ok()?.trim();
    match text.strip_prefix('-') {
        None => parse(text.strip_prefix('+').unwrap_or(text)),
        Some(rest) => match parse(rest)? {
            Val::Int(int) => Some(Val::Int(-int)),
            // The least integer has no positive counterpart.
            Val::Real(BEYOND) if rest == "9223372036854775808" => Some(Val::Int(i64::MIN)),
            Val::Real(real) => Some(Val::Real(-real)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_print_as_c_prints_them() {
        for (real, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (1e5, "100000"),
            (1e6, "1e+06"),
            (123_456.7, "123457"),
            (999_999.5, "1e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e100, "1e+100"),
            (1.0 / 3.0, "0.333333"),
            (2.0 / 3.0, "0.666667"),
            (1_234_567.0, "1.23457e+06"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(show_real(real), text);
        }
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let cases = [
            ("12", "12"),
            ("0x10", "16"),
            ("0XfF", "255"),
            ("017", "15"),
            ("0", "0"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9.22337e+18"),
            ("0xFFFFFFFFFFFFFFFF", "1.84467e+19"),
            (".5", "0.5"),
            ("1e3", "1000"),
            ("-7", "-7"),
            ("-9223372036854775808", "-9223372036854775808"),
            (" 4 ", "4"),
            ("09", "9"),
        ];
        for (text, wanted) in cases {
            let shown = match parse_signed(text.as_bytes()) {
                Some(Val::Int(int)) => int.to_string(),
                Some(Val::Real(real)) => show_real(real),
                _ => panic!("{text}"),
            };
            assert_eq!(shown, wanted, "{text}");
        }
        for text in ["", "-", "abc", "1x", "0x", "0xg", "1e", "inf", "nan", ".", "e5"] {
            assert!(parse_signed(text.as_bytes()).is_none(), "{text}");
        }
    }
}
