//! What was proved of a log, or a proof itself.

use serde::Serialize;

use super::{Page, layout::Fields, page::number, shown, shown_line};

/// What a proof shows.
#[derive(Debug)]
pub struct Proved {
    /// What is in the log, with the verb, as in `Entry 7 is`.
    pub what: String,
    /// How many entries the log has, by the checkpoint that it is proved with.
    pub size: u64,
    /// The bytes of the entry, where the proof holds them.
    pub entry: Option<Vec<u8>>,
}

/// A proof as a document.
#[derive(Debug, Serialize)]
pub struct ProofJson<'a> {
    proof: &'a str,
}

/// See [`ProofJson`].
pub fn json(proof: &str) -> ProofJson<'_> {
    ProofJson { proof }
}

/// What was proved. With `ok` false, `error` says why nothing is.
#[derive(Debug, Serialize)]
pub struct ProvedJson<'a> {
    ok: bool,
    error: Option<&'a str>,
    proved: Option<&'a str>,
    checkpoint_size: Option<u64>,
    entry: Option<serde_json::Value>,
}

/// See [`ProvedJson`].
pub fn proved_json<'a>(found: Result<&'a Proved, &'a str>) -> ProvedJson<'a> {
    let proved = found.ok();
    ProvedJson {
        ok: proved.is_some(),
        error: found.err(),
        proved: proved.map(|proved| proved.what.as_str()),
        checkpoint_size: proved.map(|proved| proved.size),
        entry: proved.and_then(|proved| serde_json::from_slice(proved.entry.as_deref()?).ok()),
    }
}

/// What was proved, for people.
pub fn text(found: Result<&Proved, &str>, page: &Page) -> String {
    match found {
        Ok(proved) => {
            let verdict = page.good(&format!("{} in the log as it was signed.", proved.what));
            let mut fields =
                Fields::new().with("checkpoint", format!("signs {} entries", number(proved.size)));
            if let Some(entry) = &proved.entry {
                fields = fields.with("entry", shown(entry));
            }
            format!("{verdict}\n{}", fields.laid_out(page))
        }
        Err(error) => {
            let verdict = page.bad("This is not proved.");
            format!("{verdict}\n{}", Fields::new().with("found", shown_line(error)).laid_out(page))
        }
    }
}
