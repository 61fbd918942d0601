use super::{
    PullError,
    mirror::{Mirror, View},
};
use crate::{
    config::PullConfig,
    follow::{Of, Touched, commit},
    source::{Source, Sources},
};

/// How many users and groups are taken of a source.
const MOST: usize = 2_000_000;

/// What is being told, page by page, and what comes of it at once.
pub(super) struct Taking<'a> {
    sources: &'a Sources,
    source: &'a Source,
    max_loss: u8,
    told: &'a mut Mirror,
    /// `told` is not whole yet: whom it does not name is not gone, and what it gives is not given.
    is_partial: bool,
    /// What counts until it is whole, if anything does.
    meanwhile: Option<&'a mut Mirror>,
    /// Whether anything was touched.
    is_other: bool,
}

impl<'a> Taking<'a> {
    /// Takes changes of what is whole.
    pub(super) fn changes(
        sources: &'a Sources,
        source: &'a Source,
        pull: &PullConfig,
        told: &'a mut Mirror,
    ) -> Self {
        let max_loss = pull.max_loss;
        Self { sources, source, max_loss, told, is_partial: false, meanwhile: None, is_other: false }
    }

    /// Takes what makes something whole in the end.
    pub(super) fn load(
        sources: &'a Sources,
        source: &'a Source,
        pull: &PullConfig,
        told: &'a mut Mirror,
        meanwhile: Option<&'a mut Mirror>,
    ) -> Self {
        let max_loss = pull.max_loss;
        Self { sources, source, max_loss, told, is_partial: true, meanwhile, is_other: false }
    }

    pub(super) fn source(&self) -> &'a Source {
        self.source
    }

    pub(super) fn told(&self) -> &Mirror {
        self.told
    }

    pub(super) fn view(&self) -> &View {
        self.told.view()
    }

    pub(super) fn is_other(&self) -> bool {
        self.is_other
    }

    /// Takes a page. When it returns, what the page takes from anybody is durable, in the audit log and in force; so is all
    /// of it, where changes of a whole are told.
    pub(super) async fn page(
        &mut self,
        tell: impl FnOnce(&mut Mirror, &mut Touched) + Send,
    ) -> Result<(), PullError> {
        let mut touched = Touched::default();
        tell(self.told, &mut touched);
        if self.told.len() > MOST {
            return Err(PullError::TooMuch(MOST));
        }
        if self.is_partial {
            touched = self.cut_off_by(&touched);
        }
        self.commit(false, touched).await
    }

    /// Takes what was read again out of turn, the same way as a page.
    pub(super) async fn again(
        &mut self,
        tell: impl Fn(&mut Mirror, &mut Touched) + Send,
    ) -> Result<(), PullError> {
        let mut touched = Touched::default();
        tell(self.told, &mut touched);
        let Some(meanwhile) = &mut self.meanwhile else {
            let touched = if self.is_partial { self.cut_off_by(&touched) } else { touched };
            return self.commit(false, touched).await;
        };
        let mut touched = Touched::default();
        tell(meanwhile, &mut touched);
        self.commit(true, touched).await
    }

    /// Of those who are touched, the users that are known as active here and are not so there.
    fn cut_off_by(&self, touched: &Touched) -> Touched {
        let roster = self.source.roster();
        let is_active = |id: &str| {
            roster.provisioned().and_then(|known| known.user(id)).is_some_and(|user| user.is_active())
        };
        let users = touched.users.iter().filter(|id| self.told.is_inactive(id) && is_active(id));
        Touched { users: users.cloned().collect(), ..Touched::default() }
    }

    async fn commit(&mut self, in_the_meantime: bool, touched: Touched) -> Result<(), PullError> {
        if touched == Touched::default() {
            return Ok(());
        }
        self.is_other = true;
        let mirror = match &self.meanwhile {
            Some(meanwhile) if in_the_meantime => &**meanwhile,
            _ => &*self.told,
        };
        commit(self.sources, self.source, self.max_loss, mirror, Of::Changed(&touched)).await?;
        Ok(())
    }
}
