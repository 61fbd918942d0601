//! `oam audit query`: with files alone, and every entry is seen to be signed before it is printed.

use std::{path::PathBuf, time::Duration};

use clap::{
    Args, ValueEnum,
    builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser as _},
};
use jiff::Timestamp;
use oam_audit::entry::{Event, Outcome};
use oam_policy::RefName;

use crate::{
    command::{
        Context, Ending,
        question::full_name,
        when::{When, when},
    },
    exit::Exit,
    failure::Failure,
    index::Index,
    log::{People, SignedLog},
    output::{Progress, query::Printer, verify},
    query::{Filter, Search, filter::Spellings},
};

/// How often a log that is followed is looked at: daemons sign about once a second.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// As many digits of a decision's id as tell one hour from another.
const FEWEST_DIGITS: usize = 8;

/// `oam audit query`.
#[derive(Debug, Args)]
pub struct Query {
    /// About this user, or done by them: a username, or an actor as `oam audit tail` shows it, such as `uid 0`; or an alias,
    /// such as `person:5f0c…`
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// About this repository, `PROJECT/slug`
    #[arg(long, value_name = "REPO")]
    repository: Option<String>,
    /// About this ref, by its full name, as in `refs/heads/main`
    #[arg(long, value_name = "REF", value_parser = OsStringValueParser::new().try_map(|text| full_name(&text)))]
    r#ref: Option<RefName>,
    /// Pushes with this verdict
    #[arg(long, value_enum)]
    verdict: Option<Verdict>,
    /// In which this rule had a part: a grant, a block, a require or a waiver
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Not permitted for this reason, by its code, such as `no-grant`
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// About the decision whose id begins so: at least 8 digits
    #[arg(long, value_name = "ID", value_parser = digits)]
    decision: Option<String>,
    /// Of this kind
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(Event::KINDS))]
    kind: Option<String>,
    /// Pushes for which a waiver lifted a rule
    #[arg(long)]
    lifted: bool,
    /// Pushes that a role somebody had for a while, or a lease, carried
    #[arg(long)]
    for_a_while: bool,
    /// From when on: so long ago (`30d`, `12h`), a day (`2026-12-24`), or a moment (`2026-12-24T08:00:00Z`)
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<When>,
    /// Until when, without that moment itself
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<When>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<u64>,
    /// Then go on as entries are signed
    #[arg(short, long)]
    follow: bool,
    /// How they are printed; with `--json`, as `jsonl`
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    place: Place,
}

/// Where the log is, and how it is searched.
#[derive(Debug, Args)]
pub struct Place {
    /// The folder of the log; without it, the first of /var/lib/oam/audit and ./oam-state/audit
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The log's public key, or a file with it; without it, `checkpoint.pub` of the folder, which proves less
    #[arg(long, value_name = "FILE|TEXT")]
    key: Option<String>,
    /// The table of people, which tells whose an alias is; without it, `people/table` beside the folder of the log
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    /// The folder of your index; without it, `oam/audit-index` in $XDG_CACHE_HOME or ~/.cache
    #[arg(long, value_name = "DIR", conflicts_with = "scan")]
    index: Option<PathBuf>,
    /// Read all entries, with no index
    #[arg(long)]
    scan: bool,
}

/// A verdict on a whole push.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verdict {
    /// The policy says yes
    Permitted,
    /// The policy says no
    Refused,
    /// It could not be checked
    Undecided,
}

/// How entries are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A line for people
    #[default]
    Text,
    /// The entry as it stands in the log
    Jsonl,
    /// A row for each ref, for a spreadsheet
    Csv,
    /// An event of OCSF 1.6.0
    Ocsf,
}

/// Prints the entries that are wanted, the oldest first.
pub(super) async fn run(command: Query, context: &mut Context) -> Ending {
    let format = if context.terminal.is_json() && command.format == Format::Text {
        Format::Jsonl
    } else {
        command.format
    };
    let (follow, mut left) = (command.follow, command.limit.unwrap_or(u64::MAX));
    let filter = command.filter();
    let mut search = command.place.search(filter.clone(), context)?;
    // A question about what came after it is answered in full.
    let told = search
        .pruned()
        .filter(|gone| filter.reaches(i64::MIN, gone.told.older_than.timestamp().as_microsecond() - 1));
    if let Some(pruned) = told {
        context.terminal.note(&format!("note: {}", verify::pruned(pruned)));
    }
    let mut printer = Printer::new(format, &mut context.terminal)?;
    loop {
        while left > 0
            && !printer.is_closed()
            && let Some(found) = search.next()?
        {
            printer.print(&found, search.log())?;
            left -= 1;
        }
        if !follow || left == 0 || printer.is_closed() {
            return Ok(Exit::Ok);
        }
        while !search.refresh()? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Query {
    fn filter(&self) -> Filter {
        let now = Timestamp::now();
        Filter {
            user: self.user.clone(),
            repository: self.repository.clone(),
            aliases: Spellings::default(),
            name: self.r#ref.as_ref().map(|name| name.as_bytes().to_vec()),
            outcome: self.verdict.map(|verdict| match verdict {
                Verdict::Permitted => Outcome::Permitted,
                Verdict::Refused => Outcome::Refused,
                Verdict::Undecided => Outcome::Undecided,
            }),
            rule: self.rule.clone(),
            reason: self.reason.clone(),
            decision: self.decision.clone(),
            kind: self.kind.clone(),
            lifted: self.lifted,
            for_a_while: self.for_a_while,
            since: self.since.map(|since| since.moment(now)),
            until: self.until.map(|until| until.moment(now)),
        }
    }
}

impl Place {
    /// A search in that log, with what it takes to be quick.
    pub(crate) fn search(&self, filter: Filter, context: &Context) -> Result<Search, Failure> {
        let log = SignedLog::open(self.dir.as_deref(), self.key.as_deref())?;
        let (people, unread) = People::find(self.people.as_deref(), log.path())?;
        if let Some(why) = unread {
            context.terminal.note(&format!(
                "note: the table of people is not read ({why}), so whom the log names by aliases is shown so"
            ));
        }
        let log = log.with_people(people);
        let index = if self.scan { None } else { self.index(&log, context) };
        let progress = Progress::of_entries(log.size(), index.is_some() && context.terminal.shows_progress());
        Search::new(log, index, filter, 0, &|done, _| progress.reached("indexing", done))
    }

    /// The index; where there can be none, that is told, and all entries are read.
    fn index(&self, log: &SignedLog, context: &Context) -> Option<Index> {
        match Index::open(self.index.as_deref(), log.key()) {
            Ok(index) => Some(index),
            Err(error) => {
                context.terminal.note(&format!(
                    "note: no index can be kept ({error}), so all entries are read; name a folder with `--index DIR`"
                ));
                None
            }
        }
    }
}

/// The first digits of an id.
fn digits(text: &str) -> Result<String, String> {
    let id = text.to_ascii_lowercase();
    let digits = id.bytes().filter(u8::is_ascii_hexdigit).count();
    let plain = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if plain && digits >= FEWEST_DIGITS {
        Ok(id)
    } else {
        Err(format!("give the id of a decision, or at least its first {FEWEST_DIGITS} digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn an_id_may_be_cut_short_but_not_too_short() {
        assert_eq!(digits("0192F7D0-5b").unwrap(), "0192f7d0-5b");
        for wrong in ["", "0192f7d", "0192f7d-", "0192f7d0 5b", "main0192f7d0"] {
            assert!(digits(wrong).is_err(), "{wrong}");
        }
    }
}
