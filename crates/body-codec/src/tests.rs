//! Any text survives, no stored bytes take more memory than a body, and the dictionaries have no value of anybody.

use fastrand::Rng;
use model::BodyFormat;
use model::event::BODY_BYTES_MAX;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

const ZSTD: i16 = BodyFormat::Zstd.code();

/// A body with the members that every body has.
fn body(key: &str) -> String {
    format!(
        "{{\"eventKey\":\"{key}\",\"occurredAt\":\"2026-02-03T04:05:06.789012Z\",\"activity\":\"Update user\",\
         \"activityDisplayName\":\"Update user\",\"category\":\"UserManagement\",\"service\":\"Core Directory\",\
         \"operationType\":\"UPDATE\",\"resourceType\":\"USER\",\"status\":\"SUCCESS\",\"actor\":{{\"kind\":\"USER\",\
         \"userPrincipalName\":\"ada@example.com\"}},\"targets\":[{{\"displayName\":\"Bob\",\"type\":\"User\"}}],\
         \"recording\":{{\"route\":\"REST\",\"recordedBy\":\"ada\"}}}}"
    )
}

/// Encodes a text and checks that it survives, and that its length is known from its first bytes.
#[track_caller]
fn check(text: &str) -> EncodedBody {
    let encoded = encode(text);
    let (format, stored) = (encoded.format.code(), &encoded.bytes);
    assert!(stored.len() <= text.len());
    assert_eq!(decode(format, stored).as_deref(), Ok(text));
    let start = &stored[..stored.len().min(HEADER_BYTES_MAX)];
    assert_eq!(text_bytes(format, start, stored.len()), Ok(text.len()));
    encoded
}

proptest! {
    #[test]
    fn any_text_survives(text in ".*") {
        check(&text);
    }

    #[test]
    fn any_body_survives_and_shrinks(key in "[^\"\\\\]{0,40}", name in "[a-zß💡\u{0}]{0,400}") {
        let text = body(&format!("{key}{}", name.replace('\0', "\\u0000")));
        let encoded = check(&text);
        prop_assert_eq!(encoded.format, BodyFormat::Zstd);
    }

    #[test]
    fn arbitrary_bytes_are_an_error_or_a_text(format in -1_i16..4, mut stored in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(format, &stored);
        stored.splice(0..0, [0x28, 0xb5, 0x2f, 0xfd]);
        let _ = decode(format, &stored);
    }
}

#[test]
fn texts_of_all_lengths_survive() {
    let mut rng = Rng::with_seed(7);
    for length in [0, 1, 100, 255, 256, 257, 65_791, 65_792, 131_072, 131_073, 1 << 20, BODY_BYTES_MAX] {
        let zeros = "0".repeat(length);
        let encoded = check(&zeros);
        assert!(length < 256 || encoded.bytes.len() < length / 8, "{length}");
        let noise: String = (0..length).map(|_| char::from(rng.u8(0x20..0x7f))).collect();
        check(&noise);
        let repeated: String = body("k").chars().cycle().take(length).collect();
        check(&repeated);
    }
}

#[test]
fn text_that_does_not_shrink_is_stored_plain() {
    for text in ["", "x", "{}", "Ж", "4e1f09d2"] {
        let encoded = check(text);
        assert_eq!((encoded.format, encoded.bytes.as_slice()), (BodyFormat::Plain, text.as_bytes()));
    }
    assert_eq!(encode_with(&body("k"), None).format, BodyFormat::Plain);
}

#[test]
fn typical_body_takes_a_third_of_its_length() {
    let text = body("8c1f3e1c-2f0e-4b3c-9a51-6b0d8f0f7a11");
    assert!(encode(&text).bytes.len() * 3 < text.len(), "{}", encode(&text).bytes.len());
}

#[test]
fn threads_encode_and_decode_independently() {
    let threads: Vec<_> = (0..8)
        .map(|thread| std::thread::spawn(move || (0..200).for_each(|i| drop(check(&body(&format!("{thread}-{i}")))))))
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// A frame with this header: the length of the text in 8 bytes, and the id of the dictionary in 4.
fn header(text_bytes: u64, dictionary: u32) -> Vec<u8> {
    // The descriptor: 8 bytes of length, a single segment, 4 bytes of dictionary.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0b1110_0011];
    frame.extend(dictionary.to_le_bytes());
    frame.extend(text_bytes.to_le_bytes());
    frame
}

#[test]
fn frame_that_claims_more_than_a_body_is_an_error() {
    let id = dictionary::newest().unwrap().id();
    // The last block, of the type RLE: one byte, repeated.
    let block = |bytes: u32| [(bytes << 3 | 0b011).to_le_bytes()[..3].to_vec(), vec![b'x']].concat();
    let text = "x".repeat(1_000);
    assert_eq!(decode(ZSTD, &[header(1_000, id), block(1_000)].concat()).as_deref(), Ok(text.as_str()));
    for claimed in [BODY_BYTES_MAX as u64 + 1, 4 << 30, u64::MAX - 2] {
        let frame = [header(claimed, id), block(1_000)].concat();
        let expected = BodyError::TooLong { claimed, max: BODY_BYTES_MAX };
        assert_eq!(decode(ZSTD, &frame), Err(expected.clone()));
        assert_eq!(text_bytes(ZSTD, &frame, frame.len()), Err(expected));
    }
    // The text has another length than the header states.
    for claimed in [0, 999, 1_001, BODY_BYTES_MAX as u64] {
        let frame = [header(claimed, id), block(1_000)].concat();
        assert!(matches!(decode(ZSTD, &frame), Err(BodyError::Damaged(_))), "{claimed}");
    }
}

#[test]
fn frame_of_another_dictionary_is_an_error() {
    for id in [0x7fff_ffff, 256, 255] {
        let frame = [header(3, id), vec![0x1b, 0, 0, b'x']].concat();
        assert_eq!(decode(ZSTD, &frame), Err(BodyError::UnknownDictionary(id)));
    }
    assert_eq!(decode(ZSTD, &[header(3, 0), vec![0x1b, 0, 0, b'x']].concat()), Err(BodyError::NoDictionary));
    let without = zstd::bulk::compress(body("k").as_bytes(), 3).unwrap();
    assert_eq!(decode(ZSTD, &without), Err(BodyError::NoDictionary));
}

#[test]
fn frame_without_a_length_is_an_error() {
    let dictionary = include_bytes!("../dictionaries/1.zdict");
    let mut encoder = zstd::stream::Encoder::with_dictionary(Vec::new(), 3, dictionary).unwrap();
    std::io::Write::write_all(&mut encoder, body("k").as_bytes()).unwrap();
    assert_eq!(decode(ZSTD, &encoder.finish().unwrap()), Err(BodyError::NoLength));
}

/// The most bits of a frame that have no meaning: in its header, and at the end of its streams of bits.
const UNUSED_BITS_MAX: usize = 16;

#[test]
fn every_damage_of_a_frame_is_an_error_or_another_text() {
    let text = body("8c1f3e1c-2f0e-4b3c-9a51-6b0d8f0f7a11");
    let frame = encode(&text).bytes;
    for length in 0..frame.len() {
        assert!(decode(ZSTD, &frame[..length]).is_err(), "{length}");
    }
    for extra in [&b"x"[..], &frame, &[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]] {
        let trailed = [&frame[..], extra].concat();
        assert_eq!(decode(ZSTD, &trailed), Err(BodyError::TrailingBytes));
    }
    let mut unused = 0;
    for bit in 0..frame.len() * 8 {
        let mut damaged = frame.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        // zstd notices most damage; the checksum of the row notices the rest.
        if let Ok(decoded) = decode(ZSTD, &damaged) {
            assert_eq!(decoded.len(), text.len(), "bit {bit}");
            unused += usize::from(decoded == text);
        }
    }
    assert!(unused <= UNUSED_BITS_MAX, "{unused} bits");
    assert_eq!(decode(ZSTD, b"{}"), Err(BodyError::NoFrame));
    // A skippable frame, and a frame of zstd 0.7.
    assert_eq!(decode(ZSTD, &[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]), Err(BodyError::NoFrame));
    assert_eq!(decode(ZSTD, &[0x27, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0]), Err(BodyError::NoFrame));
}

#[test]
fn text_that_is_not_utf8_and_an_unknown_format_are_errors() {
    assert_eq!(decode(BodyFormat::Plain.code(), b"\xff"), Err(BodyError::NotUtf8));
    let id = dictionary::newest().unwrap().id();
    assert_eq!(decode(ZSTD, &[header(1, id), vec![0b1011, 0, 0, 0xff]].concat()), Err(BodyError::NotUtf8));
    for format in [0, 3, -1, 7] {
        assert_eq!(decode(format, b"{}"), Err(BodyError::UnknownFormat(format)));
        assert_eq!(text_bytes(format, b"{}", 2), Err(BodyError::UnknownFormat(format)));
    }
}

/// The id, the hash and the bytes of each dictionary. A dictionary is never changed: frames that name it could not be
/// read any more.
const DICTIONARIES: [(u32, &str, &[u8]); 1] = [(
    1,
    "ba1e893ca2ed9619cce30010ef74887dbc6a10709bf774678b6915f2ba6c97e5",
    include_bytes!("../dictionaries/1.zdict"),
)];

#[test]
fn dictionaries_are_immutable() {
    for (id, hash, bytes) in DICTIONARIES {
        assert_eq!(Dictionary::new(bytes).map(|dictionary| dictionary.id()), Some(id));
        assert_eq!(hex::encode(Sha256::digest(bytes)), hash, "dictionary {id}");
        assert_eq!(dictionary::shipped(id).map(Dictionary::id), Some(id));
        assert!((1..256).contains(&id));
    }
    assert_eq!(dictionary::newest().map(Dictionary::id), DICTIONARIES.last().map(|(id, ..)| *id));
    for id in [0, 2, 255, 256] {
        assert!(dictionary::shipped(id).is_none());
    }
}

#[test]
fn dictionaries_have_no_value_of_anybody() {
    for (_, _, bytes) in DICTIONARIES {
        let text = String::from_utf8_lossy(train::text_of(bytes).unwrap());
        assert!(text.len() > 30_000 && text.contains("\"activityDisplayName\":\""));
        // The parts of a GUID, and other long numbers, have zeros only; except for the date of a browser's engine, and
        // the beginning of the numbers that Office 365 gives to users.
        let is_number = |word: &&str| word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit());
        for word in mask::words(&text).filter(is_number).filter(|word| word.contains(|c: char| c.is_ascii_digit())) {
            let is_zeros = word.chars().all(|c| c == '0' || !c.is_ascii_digit());
            assert!(is_zeros || ["20100101", "100320000000000"].contains(&word), "{word}");
        }
        for number in text.split(|c: char| !c.is_ascii_digit() && c != '.') {
            let parts: Vec<&str> = number.split('.').collect();
            let is_address = parts.len() == 4 && parts.iter().all(|part| (1..=3).contains(&part.len()));
            assert!(!is_address || number.chars().all(|c| c == '0' || c == '.'), "{number}");
        }
        for (at, _) in text.match_indices('@') {
            let domain = text[at + 1..].split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next().unwrap();
            assert!("example.com".starts_with(domain) || domain.starts_with("example.com"), "{domain}");
        }
        for name in ["contoso", "fabrikam", "keller", "rossi"] {
            assert!(!text.to_lowercase().contains(name), "{name}");
        }
    }
}

#[test]
fn training_gives_the_same_dictionary_each_time() {
    let bodies: Vec<String> = (0..400).map(|i| body(&format!("key-{}", i * 7_919))).collect();
    let vocabulary = mask::words(&body("k")).map(str::to_owned).collect();
    let masked: Vec<String> = bodies.iter().map(|body| mask::mask(body, &vocabulary).unwrap()).collect();
    let trained = train::train(300, 20_000, &bodies, &masked).unwrap();
    assert_eq!(train::train(300, 20_000, &bodies, &masked), Ok(trained.clone()));
    assert!(trained.len() <= 20_000);
    let dictionary = Dictionary::new(&trained).unwrap();
    assert_eq!(dictionary.id(), 300);
    let text = body("another");
    let encoded = encode_with(&text, Some(&dictionary));
    let find = |id| (id == 300).then_some(&dictionary);
    assert_eq!(decode_with(ZSTD, &encoded.bytes, find).as_deref(), Ok(text.as_str()));
    assert_eq!(decode(ZSTD, &encoded.bytes), Err(BodyError::UnknownDictionary(300)));
    assert!(train::train(300, 20_000, &bodies[..2], &masked[..2]).is_err());
}
