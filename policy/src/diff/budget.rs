//! How much is computed before an answer is given that is not exact, and says so.

/// The bounds of a comparison. They bound time and memory whatever the policies are.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// States of one product of patterns.
    pub states: usize,
    /// Places in patterns that are looked at within one product.
    pub steps_per_product: u64,
    /// …and within the whole comparison.
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
