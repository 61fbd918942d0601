//! Everybody who may do one thing to one ref.

use oam_proto::v1::{WhoCan, WhoOpening, WhoPrincipal, WhoStopped};
use serde::Serialize;

use super::{
    Page,
    decision::{ReasonJson, RefSpelling, supposing_text},
    json,
    layout::{Fields, Table, names},
    page::{counted, number, short},
    quoted, shown, shown_line,
    snapshot::{self, SnapshotJson},
};

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// `PROJECT/slug`.
    pub repository: &'a str,
    /// The ref.
    pub name: &'a [u8],
    /// `create`, `update`, `force` or `delete`.
    pub verb: &'a str,
}

/// A line of the answer.
#[derive(Debug, Serialize)]
#[serde(tag = "item", rename_all = "kebab-case")]
pub enum WhoJson<'a> {
    /// The first line.
    Count {
        /// How many users.
        users: u64,
        /// How many service principals.
        services: u64,
        /// What was asked.
        repository: &'a str,
        /// What was asked.
        #[serde(flatten)]
        name: RefSpelling<'a>,
        /// What was asked.
        verb: &'a str,
        /// What was decided by.
        policy: Option<&'a str>,
        /// What was decided by.
        snapshot: Option<Box<SnapshotJson<'a>>>,
        /// Of how many it cannot be said.
        unclear: u64,
        /// What would tell.
        unclear_for_want_of: Option<&'a str>,
        /// Of how many nothing can be decided, whatever is said.
        undecided: u64,
        /// Why.
        undecided_because: Vec<ReasonJson<'a>>,
        /// What those who may are taken to do, since nothing was said of it.
        supposing: &'a [String],
    },
    /// The only line, when nothing can be decided.
    Undecided {
        /// Why.
        reasons: Vec<ReasonJson<'a>>,
    },
    /// Somebody who may.
    Can {
        /// Who.
        username: &'a str,
        /// `user` or `service`.
        kind: &'static str,
        /// The grant that carries it.
        grant: &'a str,
        /// The role through which it does; none when the grant names them.
        role: Option<&'a str>,
        /// The id of what they have for a while; none where it is a standing right.
        privilege: Option<&'a str>,
    },
    /// A role that could, were there no block, and did it meet every require.
    Stopped {
        /// The grant that would carry it.
        grant: &'a str,
        /// The role; none when the grant names somebody.
        role: Option<&'a str>,
        /// The blocks that forbid it, and the requires that are not met.
        rules: &'a [String],
        /// How many active people and services it stops.
        count: u64,
    },
}

/// The first line.
pub fn opening_json<'a>(opening: &'a WhoOpening, question: Question<'a>) -> WhoJson<'a> {
    if !opening.undecided.is_empty() {
        return WhoJson::Undecided { reasons: opening.undecided.iter().map(Into::into).collect() };
    }
    WhoJson::Count {
        users: opening.users,
        services: opening.services,
        repository: question.repository,
        name: RefSpelling::of(question.name),
        verb: question.verb,
        policy: json::some(&opening.policy),
        snapshot: opening.snapshot.as_ref().map(|info| Box::new(info.into())),
        unclear: opening.unclear,
        unclear_for_want_of: json::some(&opening.unclear_for_want_of),
        undecided: opening.undecided_people,
        undecided_because: opening.undecided_because.iter().map(Into::into).collect(),
        supposing: &opening.supposing,
    }
}

/// How many there are, and what was decided by.
pub fn opening_text(opening: &WhoOpening, question: Question<'_>, page: &Page) -> String {
    let what =
        format!("{} {} in {}", shown(question.verb), quoted(question.name), shown(question.repository));
    if !opening.undecided.is_empty() {
        let why = opening.undecided.iter().map(|reason| format!("  {}\n", shown_line(&reason.summary)));
        return format!("{}: who can {what}\n{}", page.warn("undecided"), why.collect::<String>());
    }
    let users = counted(opening.users, "user", "users");
    let services = counted(opening.services, "service principal", "service principals");
    let all_known = opening.unclear == 0 && opening.undecided_people == 0;
    let (who, can, more) = match (opening.users, opening.services) {
        (0, 0) if all_known => ("Nobody".to_owned(), "can", ""),
        (0, 0) => ("Nobody".to_owned(), "is known to be able to", ""),
        (_, 0) => (users, "can", " more"),
        (0, _) => (services, "can", " more"),
        (_, _) => (format!("{users} and {services}"), "can", " more"),
    };
    let policy = if opening.policy.is_empty() { "none".into() } else { short(&opening.policy) };
    let directory = opening
        .snapshot
        .as_ref()
        .map(|info| format!("{}, as of {}", snapshot::named(info), page.time(info.as_of_micros)));
    let grounds =
        Fields::new().with("policy", policy).with("directory", directory.unwrap_or_else(|| "none".into()));
    let unclear = match opening.unclear {
        0 => String::new(),
        some => format!(
            "Of {}{more} it depends on {}: say `--paths`.\n",
            number(some),
            shown_line(&opening.unclear_for_want_of)
        ),
    };
    let undecided = match opening.undecided_people {
        0 => String::new(),
        some => {
            let why = opening.undecided_because.iter();
            let why = why.map(|reason| format!("  {}\n", shown_line(&reason.summary)));
            format!("Of {}{more} nothing can be decided:\n{}", number(some), why.collect::<String>())
        }
    };
    let supposing = supposing_text(opening.supposing.iter().map(String::as_str));
    format!("{} {can} {what}\n{}{unclear}{undecided}{supposing}", page.bold(&who), grounds.laid_out(page))
}

/// See [`WhoJson::Stopped`].
pub fn stopped_json(stopped: &WhoStopped) -> WhoJson<'_> {
    WhoJson::Stopped {
        grant: &stopped.grant,
        role: json::some(&stopped.role),
        rules: &stopped.rules,
        count: stopped.count,
    }
}

/// The answer as it comes.
#[derive(Debug)]
pub struct Answer {
    expected: u64,
    come: u64,
    /// The grant, the role and what is theirs for a while, by which the last ones came.
    way: Option<(String, String, String)>,
    stopped: Vec<WhoStopped>,
}

/// Somebody who may.
#[derive(Debug)]
pub struct Item<'a> {
    can: &'a WhoCan,
    principal: &'a WhoPrincipal,
    /// The first by this grant and role.
    first: bool,
}

impl Answer {
    /// Nobody has come yet.
    pub fn new(opening: &WhoOpening) -> Self {
        Self {
            expected: opening.users.saturating_add(opening.services),
            come: 0,
            way: None,
            stopped: Vec::new(),
        }
    }

    /// The people of one message.
    pub fn people<'a>(&mut self, can: &'a WhoCan) -> Vec<Item<'a>> {
        let way = Some((can.grant.clone(), can.role.clone(), can.privilege.clone()));
        let new = self.way != way;
        self.way = way;
        self.come = self.come.saturating_add(can.principals.len() as u64);
        let item = |(place, principal)| Item { can, principal, first: new && place == 0 };
        can.principals.iter().enumerate().map(item).collect()
    }

    /// A role that is stopped.
    pub fn stop(&mut self, stopped: WhoStopped) {
        self.stopped.push(stopped);
    }

    /// Whether as many came as were said to.
    pub fn is_whole(&self) -> bool {
        self.come == self.expected
    }

    /// The roles that are stopped; nothing when there are none.
    pub fn stopped_text(&self, page: &Page) -> String {
        if self.stopped.is_empty() {
            return String::new();
        }
        let mut table = Table::new(["GRANT", "ROLE", "STOPPED BY", "PEOPLE"]);
        for one in &self.stopped {
            let role = if one.role.is_empty() { "-".into() } else { shown(&one.role) };
            table.push([shown(&one.grant), role, names(&one.rules), number(one.count)]);
        }
        format!("\n{}\n{}", page.bold("These could, and a rule stops them:"), table.laid_out(page))
    }
}

impl Item<'_> {
    /// See [`WhoJson::Can`].
    pub fn json(&self) -> WhoJson<'_> {
        WhoJson::Can {
            username: &self.principal.username,
            kind: if self.principal.service { "service" } else { "user" },
            grant: &self.can.grant,
            role: json::some(&self.can.role),
            privilege: json::some(&self.can.privilege),
        }
    }

    /// The name, below a heading for each grant and role.
    pub fn text(&self, page: &Page) -> String {
        let service = if self.principal.service { " (service)" } else { "" };
        let name = format!("  {}{service}\n", shown(&self.principal.username));
        if !self.first {
            return name;
        }
        let through = if self.can.role.is_empty() {
            String::new()
        } else {
            format!(", through the role {}", quoted(&self.can.role))
        };
        let for_a_while = match self.can.privilege.as_str() {
            "" => String::new(),
            id => format!(", for a while as {}", quoted(id)),
        };
        let (grant, total) = (quoted(&self.can.grant), number(self.can.total));
        let heading = format!("By the grant {grant}{through}{for_a_while}: {total}");
        format!("\n{}\n{name}", page.bold(&heading))
    }
}

#[cfg(test)]
mod tests {
    use oam_proto::v1::{Reason, WhoOpening};

    use super::{Question, opening_json, opening_text};
    use crate::output::samples::{json_line, page};

    const MAIN: Question<'_> = Question { repository: "PAY/api", name: b"refs/heads/main", verb: "update" };

    fn told(opening: &WhoOpening) -> String {
        let grounds = "  policy     none\n  directory  none\n";
        opening_text(opening, MAIN, &page()).replace(grounds, "")
    }

    #[test]
    fn that_nobody_can_is_said_only_where_it_is_known_of_all() {
        let nobody = WhoOpening::default();
        assert_eq!(told(&nobody), "Nobody can update `refs/heads/main` in PAY/api\n");
        let unclear_for_want_of = "the changed paths".to_owned();
        let unclear = WhoOpening { unclear: 3, unclear_for_want_of, ..nobody };
        insta::assert_snapshot!(told(&unclear), @"
        Nobody is known to be able to update `refs/heads/main` in PAY/api
        Of 3 it depends on the changed paths: say `--paths`.
        ");
        insta::assert_snapshot!(told(&WhoOpening { users: 2, ..unclear }), @"
        2 users can update `refs/heads/main` in PAY/api
        Of 3 more it depends on the changed paths: say `--paths`.
        ");
    }

    #[test]
    fn what_is_supposed_is_told() {
        let supposing = vec!["no merges".to_owned(), "no file is in `*.pem`".to_owned()];
        let opening = WhoOpening { users: 2, supposing, ..WhoOpening::default() };
        insta::assert_snapshot!(told(&opening), @"
        2 users can update `refs/heads/main` in PAY/api

        Supposing, since nothing else is said: no merges; no file is in `*.pem`.
        ");
        let json = json_line(&opening_json(&opening, MAIN));
        assert!(json.contains(r#""supposing":["no merges","no file is in `*.pem`"]"#), "{json}");
    }

    #[test]
    fn of_whom_nothing_can_be_decided_is_told_beside_the_others() {
        let reason = Reason {
            code: "source-stale".into(),
            summary: "The source `okta` is too old.".into(),
            ..Reason::default()
        };
        let opening = WhoOpening {
            users: 2,
            undecided_people: 1,
            undecided_because: vec![reason],
            ..WhoOpening::default()
        };
        insta::assert_snapshot!(told(&opening), @"
        2 users can update `refs/heads/main` in PAY/api
        Of 1 more nothing can be decided:
          The source `okta` is too old.
        ");
        let json = json_line(&opening_json(&opening, MAIN));
        assert!(json.contains(r#""undecided":1,"undecided_because":[{"code":"source-stale""#), "{json}");
    }
}
