//! What the long help of `oam audit` and `oam report` says.

use super::document;

/// `oam audit tail`.
pub fn tail() -> String {
    "JSON: the entries, one a line; where the log names people by aliases, with their names.".into()
}

/// `oam audit query`.
pub fn query() -> String {
    "What is given must all be so. Entries that no checkpoint signs yet are not printed; each that is printed was seen to \
     be signed. That older entries were removed is told on standard error.\n\nA decision of many refs is found by any of them, and printed after its parts.\n\n\
     People stand by name, where the table of people is at hand. JSON (--json or --format jsonl): the entries as they are \
     stored, one a line, with aliases where the log has them."
        .into()
}

/// `oam report …`.
pub fn report() -> String {
    "It reads the files of the log alone, and names entries by their numbers: `oam audit prove` proves each.\n\n\
     Exit code 1: there is something to look at.\n\n\
     JSON: one line each: {item: report, report, title, controls, grounds: {log, key, entries, root, since, until, made, besides}}, \
     then {item: row, row: {…, finding}}, {item: note, note}, and {item: end, rows, findings}"
        .into()
}

/// `oam report access-matrix`, `oam report access-review` and `oam report standing-access`.
pub fn access_report() -> String {
    "The signed log says which policy and which directory were in force then; the daemon is asked for these, and who could by \
     them. Exit code 3: it does not keep them any more.\n\nJSON: as `oam report leavers`."
        .into()
}

/// `oam report attest`.
pub fn attest() -> String {
    "It is recorded in the audit log under your own name: by your token, or by your user id as `admin.people` has it. Nobody \
     reviews their own access. The next `oam report access-review` says who said what when, and what changed since.\n\n\
     JSON: {verdict, by, rows, review, entries}. review: the SHA-256 of the report, as `sha256sum FILE` prints it: keep the file."
        .into()
}

/// `oam audit verify`.
pub fn verify() -> String {
    document(
        "{ok, error, log, key, key_name, key_beside_log, checkpoint_beside_log, entries, root, checkpoint_size, \
         beyond_checkpoint, torn_tail_bytes, abandoned_parts, keys, pruned}",
        &[
            "keys: [{from, key}]: which key signs from how many entries on",
            "pruned: null, or {entries, told_by, keep, older_than}",
            "with --entries or --proof: {ok, error, proved, checkpoint_size, entry}",
        ],
    )
}

/// `oam audit prove`.
pub fn prove() -> String {
    document("{proof}", &["proof: the text that is printed without --json"])
}

/// `oam audit erase`.
pub fn erase() -> String {
    document(
        "{aliases, entry}",
        &["aliases: what still stands in the log for them; entry: the one that tells of it"],
    )
}

/// `oam audit witness`.
pub fn witness() -> String {
    "JSON: {listening, key}, once it listens.".into()
}
