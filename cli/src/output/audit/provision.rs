use oam_audit::entry::{BitbucketChanged, ChangeStage};

use super::{super::Page, quoted, shown};

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
