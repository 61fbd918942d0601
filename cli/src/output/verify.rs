//! Whether an audit log is whole.

use oam_audit::verify::{KeyInForce, Pruned, Report};
use serde::Serialize;

use super::{
    Page,
    layout::Fields,
    page::{counted, number},
    shown, shown_line,
};

/// What a log was checked against.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a> {
    /// The log.
    pub log: &'a str,
    /// The key, as text.
    pub key: &'a str,
    /// The name in the key.
    pub key_name: &'a str,
    /// The key was found beside the log, so whoever could change the one could change the other.
    pub key_beside_log: bool,
    /// The checkpoint was found beside the log.
    pub checkpoint_beside_log: bool,
}

/// What a check found. With `ok` false, `error` says what is wrong and the numbers are null.
#[derive(Debug, Serialize)]
pub struct VerifyJson<'a> {
    ok: bool,
    error: Option<&'a str>,
    log: &'a str,
    key: &'a str,
    key_name: &'a str,
    key_beside_log: bool,
    checkpoint_beside_log: bool,
    entries: Option<u64>,
    root: Option<String>,
    checkpoint_size: Option<u64>,
    beyond_checkpoint: Option<u64>,
    torn_tail_bytes: Option<u64>,
    abandoned_parts: Option<u64>,
    keys: Option<Vec<KeyJson>>,
    pruned: Option<PrunedJson<'a>>,
}

/// What was removed, and the entry that told of it before.
#[derive(Debug, Serialize)]
struct PrunedJson<'a> {
    entries: u64,
    told_by: u64,
    keep: &'a str,
    older_than: String,
}

impl<'a> From<&'a Pruned> for PrunedJson<'a> {
    fn from(pruned: &'a Pruned) -> Self {
        let Pruned { entries, told_by, told } = pruned;
        let older_than = told.older_than.timestamp().to_string();
        Self { entries: *entries, told_by: *told_by, keep: &told.keep, older_than }
    }
}

/// A key of the log, and how many entries a checkpoint has at least that it signs.
#[derive(Debug, Serialize)]
struct KeyJson {
    from: u64,
    key: String,
}

impl From<&KeyInForce> for KeyJson {
    fn from(one: &KeyInForce) -> Self {
        Self { from: one.from, key: one.key.to_string() }
    }
}

/// See [`VerifyJson`]. `found` is the report, or what is wrong.
pub fn json<'a>(checked: Checked<'a>, found: Result<&'a Report, &'a str>) -> VerifyJson<'a> {
    let report = found.ok();
    VerifyJson {
        ok: report.is_some(),
        error: found.err(),
        log: checked.log,
        key: checked.key,
        key_name: checked.key_name,
        key_beside_log: checked.key_beside_log,
        checkpoint_beside_log: checked.checkpoint_beside_log,
        entries: report.map(|report| report.entries),
        root: report.map(|report| report.root.to_string()),
        checkpoint_size: report.map(signed),
        beyond_checkpoint: report.map(|report| report.beyond_checkpoint),
        torn_tail_bytes: report.map(|report| report.torn_tail_bytes),
        abandoned_parts: report.map(|report| report.abandoned_parts),
        keys: report.map(|report| report.keys.iter().map(KeyJson::from).collect()),
        pruned: report.and_then(|report| report.pruned.as_ref()).map(PrunedJson::from),
    }
}

/// How many entries the checkpoint vouches for.
fn signed(report: &Report) -> u64 {
    report.entries.saturating_sub(report.beyond_checkpoint)
}

/// What a check found, and how much that proves.
pub fn text(checked: Checked<'_>, found: Result<&Report, &str>, page: &Page) -> String {
    let report = match found {
        Ok(report) => report,
        Err(error) => {
            let verdict = page.bad(&format!("The audit log `{}` is not in order.", shown(checked.log)));
            let fields = Fields::new().with("found", shown_line(error)).with("key", shown(checked.key));
            return format!("{verdict}\n{}", fields.laid_out(page));
        }
    };
    let verdict = page.good(&format!("The audit log `{}` is in order.", shown(checked.log)));
    let mut text = format!("{verdict}\n{}", fields(checked, report).laid_out(page));
    for caution in cautions(checked, report) {
        text.push_str(&format!("{} {caution}\n", page.warn("warning:")));
    }
    text
}

fn fields(checked: Checked<'_>, report: &Report) -> Fields {
    let mut fields = Fields::new()
        .with("entries", number(report.entries))
        .with("root", report.root.to_string())
        .with("checkpoint", format!("signs the first {}", counted(signed(report), "entry", "entries")))
        .with("log name", shown(checked.key_name))
        .with("key", shown(checked.key));
    if let [_, .., newest] = report.keys.as_slice() {
        let rotations = counted(report.keys.len() as u64 - 1, "time", "times");
        fields = fields.with("rotated", format!("{rotations}, at last from entry {} on", newest.from - 1));
        fields = fields.with("key now", newest.key.to_string());
    }
    if let Some(gone) = &report.pruned {
        fields = fields.with("pruned", pruned(gone));
    }
    fields
}

/// What is gone of a log, in words.
pub fn pruned(Pruned { entries, told_by, told }: &Pruned) -> String {
    let gone = counted(*entries, "entry is gone", "entries are gone");
    let (keep, then) = (shown(&told.keep), told.older_than.timestamp());
    format!("the first {gone}, older than {then}: entry {told_by} told of it, they are kept for {keep}")
}

/// What the check does not prove.
fn cautions(checked: Checked<'_>, report: &Report) -> Vec<String> {
    let mut cautions = Vec::new();
    if checked.key_beside_log {
        cautions.push(
            "the key was read from beside the log: whoever can rewrite the log can replace that key too. Keep a \
             copy of it elsewhere, and give it with `--key`."
                .into(),
        );
    }
    if checked.checkpoint_beside_log {
        cautions.push(
            "the checkpoint was read from beside the log: if both were put back to an older state, this does not \
             show it. Keep checkpoints elsewhere, and give one with `--checkpoint`."
                .into(),
        );
    }
    if report.beyond_checkpoint > 0 {
        let entries = counted(report.beyond_checkpoint, "entry", "entries");
        cautions.push(format!("{entries} after the checkpoint: no signature vouches for that yet."));
    }
    if report.torn_tail_bytes > 0 {
        let bytes = counted(report.torn_tail_bytes, "byte", "bytes");
        cautions.push(format!(
            "{bytes} after the last entry are an unfinished line: one being written now, or cut short by a crash."
        ));
    }
    if report.abandoned_parts > 0 {
        let parts = counted(report.abandoned_parts, "part", "parts");
        cautions.push(format!(
            "{parts} of decisions have no end: the daemon died, and those pushes got no answer."
        ));
    }
    cautions
}
