//! Words that can be read only while everybody is known whom they are by or about.
//!
//! A sealed text is `sealed:`, the digits of one or more aliases with `+` between them, `:`, and in base64 (RFC 4648,
//! section 5, not padded) a nonce of 12 bytes and the text, encrypted by ChaCha20-Poly1305 (RFC 8439). The key takes the
//! secrets of all these people; with one of them gone it cannot be had. The aliases are authenticated.
//!
//! The nonce follows from the text and the key, so that the same text sealed for the same people is the same again. That
//! is what makes an actor of entries one to be recognized, and needs no randomness. It shows that two texts are equal.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::aead;

use super::{
    Alias, Person,
    person::{SECRET_BYTES, mac},
};

const PREFIX: &str = "sealed:";

/// For how many people a text is sealed at most. One that is about more is not kept.
pub(super) const MOST_PEOPLE: usize = 16;

/// Seals a text for some people.
pub(super) fn seal(people: &[&Person], text: &[u8]) -> String {
    let whose = whose(people);
    let key = key(people);
    let nonce = nonce(&key, text);
    let mut bytes = text.to_vec();
    let sealed = cipher(&key).and_then(|cipher| {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        cipher.seal_in_place_append_tag(nonce, aead::Aad::from(whose.as_bytes()), &mut bytes).ok()
    });
    // It fails for texts of many gigabytes only; such a one is not written at all.
    let bytes = if sealed.is_some() { [&nonce[..], &bytes].concat() } else { Vec::new() };
    format!("{PREFIX}{whose}:{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Opens what was sealed, when everybody is known. Also `None`: it is no sealed text, or was changed.
pub(super) fn open<'p>(text: &str, find: impl Fn(&Alias) -> Option<&'p Person>) -> Option<Vec<u8>> {
    let (whose, bytes) = text.strip_prefix(PREFIX)?.split_once(':')?;
    let people = whose
        .split('+')
        .take(MOST_PEOPLE + 1)
        .map(|digits| find(&Alias::of_digits(digits)?))
        .collect::<Option<Vec<_>>>()?;
    let mut bytes = URL_SAFE_NO_PAD.decode(bytes).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk_mut::<{ aead::NONCE_LEN }>()?;
    let cipher = cipher(&key(&people))?;
    let nonce = aead::Nonce::assume_unique_for_key(*nonce);
    let text = cipher.open_in_place(nonce, aead::Aad::from(whose.as_bytes()), sealed).ok()?;
    Some(text.to_vec())
}

/// Whether a text is a sealed one, whoever could open it.
pub(super) fn is_sealed(text: &str) -> bool {
    let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once(':'));
    parts.is_some_and(|(whose, bytes)| {
        whose.split('+').all(|digits| Alias::of_digits(digits).is_some())
            && URL_SAFE_NO_PAD.decode(bytes).is_ok()
    })
}

fn whose(people: &[&Person]) -> String {
    people.iter().map(|person| person.alias().digits()).collect::<Vec<_>>().join("+")
}

fn key(people: &[&Person]) -> [u8; SECRET_BYTES] {
    people.iter().fold([0; SECRET_BYTES], |before, person| person.chain(&before))
}

fn nonce(key: &[u8; SECRET_BYTES], text: &[u8]) -> [u8; aead::NONCE_LEN] {
    mac(key, b"nonce", &[text]).first_chunk().copied().unwrap_or_default()
}

fn cipher(key: &[u8; SECRET_BYTES]) -> Option<aead::LessSafeKey> {
    let key = mac(key, b"cipher", &[]);
    aead::UnboundKey::new(&aead::CHACHA20_POLY1305, &key).ok().map(aead::LessSafeKey::new)
}
