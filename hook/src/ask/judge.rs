use oam_proto::v1;

/// What a daemon decided, checked to be a decision on what was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The push may go in.
    Permitted {
        /// What is to be told all the same.
        notices: Vec<String>,
    },
    /// The policy says no.
    Refused(Box<v1::Decision>),
    /// The daemon could not decide.
    Undecided(Box<v1::Decision>),
}

/// Takes a decision at its word only where the word is whole: what contradicts itself is no decision.
pub(super) fn judge(decision: v1::Decision, sent: usize) -> Result<Answer, String> {
    let outcome = v1::Outcome::try_from(decision.outcome)
        .map_err(|_| format!("gave an outcome that this hook does not know ({})", decision.outcome))?;
    if decision.decision_id.is_empty() {
        return Err("gave a decision without an id".into());
    }
    if decision.refs_total != sent as u64 {
        return Err(format!("decided on {} refs, where {sent} were asked about", decision.refs_total));
    }
    let says_why = !decision.reasons.is_empty() || !decision.refs.is_empty();
    match outcome {
        v1::Outcome::Unspecified => Err("gave a decision without an outcome".into()),
        v1::Outcome::Permitted if says_why || decision.refs_not_permitted != 0 => {
            Err("permitted the push and objected to it at once".into())
        }
        v1::Outcome::Permitted => Ok(Answer::Permitted { notices: decision.notices }),
        v1::Outcome::Refused if !says_why => Err("refused the push without a reason".into()),
        v1::Outcome::Refused => Ok(Answer::Refused(Box::new(decision))),
        v1::Outcome::Undecided => Ok(Answer::Undecided(Box::new(decision))),
    }
}

#[cfg(test)]
mod tests {
    use oam_proto::v1;

    use super::{Answer, judge};

    fn permitted() -> v1::Decision {
        v1::Decision {
            outcome: v1::Outcome::Permitted as i32,
            decision_id: "x".into(),
            refs_total: 2,
            ..v1::Decision::default()
        }
    }

    #[test]
    fn only_a_whole_permit_permits() {
        assert_eq!(judge(permitted(), 2), Ok(Answer::Permitted { notices: Vec::new() }));
        let reason = v1::Reason::default();
        let verdict = v1::RefVerdict::default();
        for (changed, sent) in [
            (v1::Decision::default(), 0),
            (v1::Decision { outcome: 0, ..permitted() }, 2),
            (v1::Decision { outcome: 4, ..permitted() }, 2),
            (v1::Decision { outcome: -1, ..permitted() }, 2),
            (v1::Decision { decision_id: String::new(), ..permitted() }, 2),
            (v1::Decision { refs_not_permitted: 1, ..permitted() }, 2),
            (v1::Decision { reasons: vec![reason.clone()], ..permitted() }, 2),
            (v1::Decision { refs: vec![verdict], ..permitted() }, 2),
            (permitted(), 3),
            (v1::Decision { outcome: v1::Outcome::Refused as i32, ..permitted() }, 2),
        ] {
            assert!(judge(changed.clone(), sent).is_err(), "{changed:?}");
        }
        let refused =
            v1::Decision { outcome: v1::Outcome::Refused as i32, reasons: vec![reason], ..permitted() };
        assert_eq!(judge(refused.clone(), 2), Ok(Answer::Refused(Box::new(refused))));
        let undecided = v1::Decision { outcome: v1::Outcome::Undecided as i32, ..permitted() };
        assert_eq!(judge(undecided.clone(), 2), Ok(Answer::Undecided(Box::new(undecided))));
    }
}
