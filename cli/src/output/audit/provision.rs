use oam_audit::entry::{BitbucketChanged, BitbucketDrift, ChangeStage};

use super::{
    super::{Page, page::counted},
    quoted, shown,
};

/// A change in Bitbucket, and how far it came.
pub(super) fn changed(changed: &BitbucketChanged, page: &Page) -> String {
    let BitbucketChanged {
        stage,
        begun,
        actor,
        step,
        place,
        user,
        group,
        thing,
        before,
        after,
        because,
        detail,
    } = changed;
    let named = |what: &str, name: &Option<String>| {
        name.as_ref().map(|name| format!(" {what} {}", quoted(name))).unwrap_or_default()
    };
    let text = format!(
        "Bitbucket: {}{}{}{}{}{}{}",
        shown(step),
        named("user", user),
        named("group", group),
        named("in", place),
        named("of", thing),
        named("from", before),
        named("to", after)
    );
    let of = begun.map(|entry| format!(" (#{entry})")).unwrap_or_default();
    let detail = detail.as_ref().map(|detail| format!(": {}", shown(detail))).unwrap_or_default();
    match stage {
        ChangeStage::Begun => format!("{text} by {}, begun: {}", quoted(actor), shown(because)),
        ChangeStage::Done => format!("{text}, done{of}{detail}"),
        ChangeStage::Failed => page.bad(&format!("{text}, FAILED{of}{detail}")),
        ChangeStage::Unknown => page.warn(&format!("{text}, nobody knows whether it was done{of}{detail}")),
    }
}

/// What Bitbucket has beside what the policy says: the first that is new, and how much there is in all.
pub(super) fn drift(drift: &BitbucketDrift, page: &Page) -> String {
    let BitbucketDrift { actor, counts, new, over, found } = drift;
    let all: Vec<_> = counts.iter().map(|one| format!("{} {}", shown(&one.finding), one.count)).collect();
    let all = if all.is_empty() { "nothing".to_owned() } else { all.join(", ") };
    let by = format!("beside the policy Bitbucket has {all}, says {}", quoted(actor));
    let first = found.first().map(|one| {
        let place = one.place.as_ref().map(|place| format!("{}: ", shown(place))).unwrap_or_default();
        let holder = one.user.as_ref().or(one.group.as_ref());
        let holder = holder.map(|holder| format!("{} ", quoted(holder))).unwrap_or_default();
        format!(": {place}{holder}{} [{}]", shown(&one.detail), shown(&one.finding))
    });
    let over = if *over == 0 { String::new() } else { format!(", {over} over") };
    let text =
        format!("drift: {} new{over}{}; {by}", counted(*new, "thing", "things"), first.unwrap_or_default());
    if *new > 0 { page.bad(&text) } else { text }
}
