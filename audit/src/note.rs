//! Signed notes (C2SP signed-note): a text, an empty line, and a line for each signature.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::keys::{KeyId, Public, SigningKey, VerifierKey};

/// The em dash and the space that begin a signature line.
const MARK: &str = "\u{2014} ";
/// A log, its witnesses, and room: more than this is not a note but an attempt to keep us busy.
const MAX_SIGNATURES: usize = 64;

/// A parsed note. Its text is not to be believed before [`Note::open`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// With its final line feed, which is signed too.
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One line of signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoteSignature {
    pub(crate) name: String,
    pub(crate) id: KeyId,
    pub(crate) bytes: Vec<u8>,
}

impl Note {
    /// Signs `text`, which must end in a line feed.
    pub(crate) fn sign(text: String, key: &SigningKey) -> Self {
        let signature =
            NoteSignature { bytes: key.sign(text.as_bytes()).to_vec(), ..NoteSignature::of(key.verifier()) };
        Self { text, signatures: vec![signature] }
    }

    /// Signs it with another key as well.
    pub(crate) fn and_sign(mut self, key: &SigningKey) -> Self {
        let bytes = key.sign(self.text.as_bytes()).to_vec();
        self.signatures.push(NoteSignature { bytes, ..NoteSignature::of(key.verifier()) });
        self
    }

    pub(crate) fn parse(note: &str) -> Result<Self, NoteError> {
        if let Some(control) = note.chars().find(|&c| c < ' ' && c != '\n') {
            return Err(NoteError::Control { control });
        }
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        if text.is_empty() {
            return Err(NoteError::NoText);
        }
        if signatures.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        let signatures = signatures.strip_suffix('\n').ok_or(NoteError::NoFinalLineFeed)?;
        let lines = signatures.split('\n');
        if lines.clone().nth(MAX_SIGNATURES).is_some() {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = lines.map(NoteSignature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The text, not yet verified.
    pub(crate) fn unverified_text(&self) -> &str {
        &self.text
    }

    /// Checks that `key` signed the text. Other keys' signatures are passed over, as the specification demands, so
    /// that witnesses can add theirs.
    pub(crate) fn open(&self, key: &VerifierKey) -> Result<(), SignatureError> {
        self.open_with(key, |bytes| key.accepts(self.text.as_bytes(), bytes).then_some(()))
    }

    /// The same for signatures of any kind: what `accept` makes of the bytes of the last one by `key`, all of which it
    /// must accept.
    pub(crate) fn open_with<const KIND: u8, T>(
        &self,
        key: &Public<KIND>,
        accept: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, SignatureError> {
        let mut found = None;
        for signature in self.signatures.iter().filter(|signature| signature.is_by(key)) {
            let accepted = accept(&signature.bytes);
            found = Some(accepted.ok_or_else(|| SignatureError::False { key: key.to_string() })?);
        }
        found.ok_or_else(|| SignatureError::Missing { key: key.to_string(), signers: self.signers() })
    }

    /// Puts a signature in the place of another by the same key, or behind all.
    pub(crate) fn replace(&mut self, signature: NoteSignature) {
        self.signatures.retain(|other| (&other.name, other.id) != (&signature.name, signature.id));
        self.signatures.push(signature);
    }

    fn signers(&self) -> String {
        let names: Vec<String> = self.signatures.iter().map(|s| format!("`{}+{}`", s.name, s.id)).collect();
        names.join(", ")
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| f.write_str(&signature_line(signature)))
    }
}

/// The line that a signature is in a note, with its line feed.
pub(crate) fn signature_line(signature: &NoteSignature) -> String {
    let NoteSignature { name, id, bytes } = signature;
    let blob = [id.as_bytes().as_slice(), bytes].concat();
    format!("{MARK}{name} {}\n", STANDARD.encode(blob))
}

impl NoteSignature {
    /// One by this key, without its bytes.
    pub(crate) fn of<const KIND: u8>(key: &Public<KIND>) -> Self {
        Self { name: key.name().to_string(), id: key.id(), bytes: Vec::new() }
    }

    pub(crate) fn parse(line: &str) -> Result<Self, NoteError> {
        let fault = || NoteError::SignatureLine { line: line.to_owned() };
        let (name, blob) = line.strip_prefix(MARK).and_then(|rest| rest.split_once(' ')).ok_or_else(fault)?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return Err(fault());
        }
        let blob = STANDARD.decode(blob).map_err(|_| fault())?;
        match blob.split_first_chunk::<4>() {
            Some((id, bytes)) if !bytes.is_empty() => {
                Ok(Self { name: name.to_owned(), id: KeyId::from_bytes(*id), bytes: bytes.to_vec() })
            }
            _ => Err(fault()),
        }
    }

    pub(crate) fn is_by<const KIND: u8>(&self, key: &Public<KIND>) -> bool {
        self.name == key.name().as_str() && self.id == key.id()
    }
}

/// Why a text is not a signed note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It has a control character other than the line feed.
    #[error(
        "signed note contains the control character {control:?}; fetch it again, without converting its line ends"
    )]
    Control {
        /// The first of them.
        control: char,
    },
    /// Nothing comes before the signatures.
    #[error("signed note has no text before its signatures; fetch it again")]
    NoText,
    /// No empty line, or nothing after it.
    #[error("signed note has no signatures after an empty line; fetch it again, it was cut off")]
    NoSignatures,
    /// The last line is not ended.
    #[error("signed note does not end in a line feed; fetch it again, it was cut off")]
    NoFinalLineFeed,
    /// More than anybody needs.
    #[error("signed note has more than {MAX_SIGNATURES} signatures; remove those that are not wanted")]
    TooManySignatures,
    /// A line after the empty one is not a signature.
    #[error("signed note has the signature line {line:?}; it should read `\u{2014} name base64`")]
    SignatureLine {
        /// What stood there.
        line: String,
    },
}

/// Why a note is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The trusted key did not sign it.
    #[error("checkpoint is not signed by `{key}` but by {signers}; give the key of the log it belongs to")]
    Missing {
        /// The trusted key.
        key: String,
        /// Who did sign.
        signers: String,
    },
    /// The signature that claims to be the trusted key's is not.
    #[error(
        "checkpoint carries a false signature of `{key}`: its text was altered or the signature forged; do not trust it"
    )]
    False {
        /// The trusted key.
        key: String,
    },
}

#[cfg(test)]
mod tests;
