use super::*;
use crate::keys::KeyError;

/// The key, text and signature that Go's `sumdb/note` is tested with.
const GO_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                       then you don't know what your problem is.\n";
const GO_SIGNATURE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn go_note() -> String {
    format!("{GO_TEXT}\n{GO_SIGNATURE}")
}

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name.parse().unwrap(), &[seed; 32])
}

#[test]
fn we_sign_and_open_as_go_does() {
    let secret: SigningKey = GO_SECRET.parse().unwrap();
    let public: VerifierKey = GO_PUBLIC.parse().unwrap();
    assert_eq!(secret.verifier(), &public);
    assert_eq!(public.to_string(), GO_PUBLIC);
    assert_eq!(secret.expose_secret_text(), GO_SECRET);
    assert_eq!(Note::sign(GO_TEXT.to_owned(), &secret).to_string(), go_note());

    let note = Note::parse(&go_note()).unwrap();
    assert_eq!(note.unverified_text(), GO_TEXT);
    assert_eq!(note.open(&public), Ok(()));
    assert_eq!(note.to_string(), go_note());
}

#[test]
fn secrets_are_not_printed() {
    let secret: SigningKey = GO_SECRET.parse().unwrap();
    let shown = format!("{secret:?}");
    assert!(shown.contains("***") && !shown.contains("AYEKFALV"), "{shown}");
    let error = GO_SECRET.replace("c74f20a3", "c74f20a4").parse::<SigningKey>().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("AYEKFALV"));
}

#[test]
fn keys_are_strict() {
    let refused = |text: &str| text.parse::<VerifierKey>().unwrap_err();
    assert_eq!(refused("PeterNeumann"), KeyError::Form);
    assert_eq!(refused(&GO_PUBLIC.replace("c74f20a3", "c74f20")), KeyError::Form);
    assert_eq!(refused(&format!("{GO_PUBLIC}\n")), KeyError::Form);
    assert_eq!(refused(GO_PUBLIC.strip_suffix("10TW").unwrap()), KeyError::Form);
    assert!(matches!(refused(&GO_PUBLIC.replace("c74f20a3", "c74f20a4")), KeyError::Id { .. }));
    assert!(matches!(refused(&GO_PUBLIC.replace("Peter", "Petra")), KeyError::Id { .. }));
    assert!(matches!(refused(&GO_PUBLIC.replace("Peter", "")), KeyError::Id { .. }));
    assert!(matches!(refused(&GO_PUBLIC.replace("PeterNeumann", "")), KeyError::Name(_)));
    assert_eq!(refused(&GO_PUBLIC.replace("+AR", "+Ah")), KeyError::Type { found: 2, wanted: 1 });
    assert_eq!(GO_PUBLIC.parse::<SigningKey>().unwrap_err(), KeyError::Form);
    assert_eq!(format!("{GO_SECRET}\n").parse::<SigningKey>().unwrap_err(), KeyError::Form);
}

#[test]
fn notes_are_strict() {
    let refused = |note: &str| Note::parse(note).unwrap_err();
    assert_eq!(refused(""), NoteError::NoSignatures);
    assert_eq!(refused(GO_TEXT), NoteError::NoSignatures);
    assert_eq!(refused(&format!("{GO_TEXT}\n\n")), NoteError::NoSignatures);
    assert_eq!(refused(&format!("\n\n{GO_SIGNATURE}")), NoteError::NoText);
    assert_eq!(refused(go_note().trim_end()), NoteError::NoFinalLineFeed);
    assert_eq!(refused(&go_note().replace('\n', "\r\n")), NoteError::Control { control: '\r' });
    let many = format!("{GO_TEXT}\n{}", GO_SIGNATURE.repeat(MAX_SIGNATURES + 1));
    assert_eq!(refused(&many), NoteError::TooManySignatures);
    for bad in [
        "- PeterNeumann AAAAAAA=",
        "\u{2014} PeterNeumann",
        "\u{2014}  AAAAAAA=",
        "\u{2014} a+b AAAAAAA=",
        "\u{2014} a AAAAAAA",
        "\u{2014} a AAAA",
        "\u{2014} a AAAAAA==",
        "\u{2014} a b AAAAAAA=",
        "\u{2014} a AAAAAAA= ",
    ] {
        assert_eq!(
            refused(&format!("{GO_TEXT}\n{bad}\n")),
            NoteError::SignatureLine { line: bad.to_owned() }
        );
    }
}

#[test]
fn witnesses_may_sign_too() {
    let (log, witness) = (key("log", 1), key("witness", 2));
    let text = "a\n\nb\n".to_owned();
    let line =
        |key: &SigningKey| Note::sign(text.clone(), key).to_string().lines().last().unwrap().to_owned();
    let both = Note::parse(&format!("{text}\n{}\n{}\n", line(&witness), line(&log))).unwrap();
    assert_eq!(both.unverified_text(), text);
    assert_eq!(both.open(log.verifier()), Ok(()));
    assert_eq!(both.open(witness.verifier()), Ok(()));
    let stranger = both.open(key("log", 3).verifier()).unwrap_err();
    assert!(matches!(stranger, SignatureError::Missing { .. }), "same name, other key");

    let forged = both.to_string().replacen('a', "A", 1);
    let forged = Note::parse(&forged).unwrap();
    assert!(matches!(forged.open(log.verifier()), Err(SignatureError::False { .. })));

    // A good signature does not make up for a false one of the same key.
    let (good, bad) = (line(&log), Note::sign("x\n".to_owned(), &log).to_string());
    let mixed = format!("{text}\n{good}\n{}\n", bad.lines().last().unwrap());
    assert!(matches!(Note::parse(&mixed).unwrap().open(log.verifier()), Err(SignatureError::False { .. })));
}
