//! What came of importing a directory file.

use oam_proto::v1::{Faults, ImportDone};
use serde::Serialize;

use super::{
    Page,
    faults::{self, FaultJson},
    layout::{Fields, counts},
    quoted,
    snapshot::{SnapshotJson, fields, named},
};

/// What came of it. With faults: `imported` is false and the numbers are 0.
#[derive(Debug, Default, Serialize)]
pub struct ImportJson<'a> {
    imported: bool,
    dry_run: bool,
    snapshot: Option<SnapshotJson<'a>>,
    added: u64,
    removed: u64,
    changed: u64,
    faults_total: u64,
    faults: Vec<FaultJson<'a>>,
}

/// The file was good.
pub fn done_json(done: &ImportDone) -> ImportJson<'_> {
    ImportJson {
        imported: !done.dry_run,
        dry_run: done.dry_run,
        snapshot: done.snapshot.as_ref().map(Into::into),
        added: done.added,
        removed: done.removed,
        changed: done.changed,
        ..ImportJson::default()
    }
}

/// The file was not.
pub fn faults_json(faults: &Faults, dry_run: bool) -> ImportJson<'_> {
    ImportJson {
        dry_run,
        faults_total: faults::total(faults),
        faults: faults::list(faults),
        ..ImportJson::default()
    }
}

/// The file `name` was good.
pub fn done_text(done: &ImportDone, name: &str, page: &Page) -> String {
    let changes = counts(
        &[(done.added, "added"), (done.removed, "removed"), (done.changed, "changed")],
        "none added, removed or changed",
    );
    let snapshot = done.snapshot.as_ref();
    let mut text = if done.dry_run {
        let good = page.good(&format!("{} is good.", quoted(name)));
        let generation = snapshot.map_or(0, |info| info.generation);
        format!("{good} It would become generation {generation}; nothing was changed.\n")
    } else {
        let generation = snapshot.map_or_else(|| "a new generation".into(), named);
        page.good(&format!("{} was imported as {generation}.", quoted(name))) + "\n"
    };
    let holds = snapshot.map(fields).unwrap_or_default();
    text.push_str(&Fields::new().with("users", changes).and(holds).laid_out(page));
    text
}
