//! How much is computed before an answer is given that is not exact, and says so.
//!
//! Everything that policies can multiply is paid for in steps before it is done: looking at patterns and rules again for each
//! class, and keeping or telling what was found. So the steps bound time and memory whatever the policies are. What is
//! as large as the policies themselves is not paid for; they have bounds of their own (see [`crate::file`]).

/// The bounds of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// States of one product of patterns.
    pub states: usize,
    /// Places in patterns that are looked at within one product.
    pub steps_per_product: u64,
    /// …and within the whole comparison. A step is the look at a pattern, or about four bytes that are kept.
    pub steps: u64,
    /// Classes of refs, or of repositories, within one product.
    pub classes: usize,
    /// Characters of the patterns of one product, their alternatives multiplied out.
    pub size: usize,
    /// People of one set of roles who are looked at one by one, where `${user}` is a part of a segment.
    pub people_apart: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            states: 200_000,
            steps_per_product: 10_000_000,
            steps: 200_000_000,
            classes: 2_000,
            size: 2_000_000,
            people_apart: 50,
        }
    }
}

/// What it takes to keep the number of a rule or a role, in steps.
pub(super) const KEPT: usize = 8;

/// What it takes to keep what is told in the end, in steps: a word of it, be it the name of a rule or a pattern.
pub(super) const TOLD: usize = 64;

/// For tests: that so much was really looked at or kept, be it paid for or not.
#[cfg(test)]
pub(super) fn done(steps: usize) {
    DONE.set(DONE.get() + steps);
}

#[cfg(test)]
thread_local! {
    pub(super) static DONE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// What is left of the steps.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    left: u64,
}

/// The part of the budget for one product.
#[derive(Debug)]
pub(super) struct ProductBudget {
    limits: Limits,
    left: u64,
    spent: u64,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limits: *limits, left: limits.steps }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes steps for something other than a product. False when there are none left.
    pub(super) fn spend(&mut self, steps: usize) -> bool {
        self.left = self.left.saturating_sub(steps as u64);
        self.left > 0
    }

    /// Whether there are none left.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    pub(super) fn product(&self) -> ProductBudget {
        ProductBudget { limits: self.limits, left: self.left.min(self.limits.steps_per_product), spent: 0 }
    }

    pub(super) fn return_rest(&mut self, product: &ProductBudget) {
        self.left = self.left.saturating_sub(product.spent);
    }
}

impl ProductBudget {
    /// Takes steps. False when there are none left, or there are too many states or classes.
    pub(super) fn spend(&mut self, steps: usize, states: usize, classes: usize) -> bool {
        self.spent += steps as u64;
        self.spent <= self.left && states <= self.limits.states && classes <= self.limits.classes
    }
}
