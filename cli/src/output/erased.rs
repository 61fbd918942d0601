//! What was erased from the table of people.

use oam_proto::v1::ErasePeopleResponse;
use serde::Serialize;

use super::quoted;

/// As a program is told.
#[derive(Debug, Serialize)]
pub struct ErasedJson<'a> {
    aliases: Vec<&'a str>,
    entry: u64,
}

/// As a program is told.
pub fn json(answer: &ErasePeopleResponse) -> ErasedJson<'_> {
    ErasedJson { aliases: aliases(answer).collect(), entry: answer.seq }
}

/// As a person is told, with what is still to be done.
pub fn text(answer: &ErasePeopleResponse) -> String {
    let aliases: Vec<_> = aliases(answer).map(quoted).collect();
    format!(
        "Erased: nobody can tell any more from the audit log who {} was (entry {}).\n\
         Copies of `people/table` still tell it. Names remain in entries from before there were aliases, in names of refs, and \
         outside the log: in the directory, the policy, and wherever entries were sent to.\n",
        aliases.join(" and "),
        answer.seq
    )
}

fn aliases(answer: &ErasePeopleResponse) -> impl Iterator<Item = &str> {
    answer.aliases.iter().map(|alias| alias.trim_start())
}

#[cfg(test)]
mod tests {
    use oam_proto::v1::ErasePeopleResponse;

    #[test]
    fn what_remains_is_told() {
        let answer =
            ErasePeopleResponse { aliases: vec![" person:00ff".into(), " person:11ee".into()], seq: 7 };
        insta::assert_snapshot!(super::text(&answer), @r"
        Erased: nobody can tell any more from the audit log who `person:00ff` and `person:11ee` was (entry 7).
        Copies of `people/table` still tell it. Names remain in entries from before there were aliases, in names of refs, and outside the log: in the directory, the policy, and wherever entries were sent to.
        ");
    }
}
