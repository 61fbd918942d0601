use super::graph::Node;

/// A set of commits in a graph: a bit for each that there is.
pub(super) struct Marks {
    words: Vec<u64>,
    /// Those that are not 0, so that clearing costs what marking did.
    touched: Vec<usize>,
}

impl Marks {
    /// Room for so many nodes.
    pub(super) fn new(nodes: usize) -> Self {
        Self { words: vec![0; nodes.div_ceil(64)], touched: Vec::new() }
    }

    /// Whether it was not marked before.
    pub(super) fn insert(&mut self, node: Node) -> bool {
        let (word, bit) = (node.index() / 64, 1_u64 << (node.index() % 64));
        let Some(bits) = self.words.get_mut(word) else { return false };
        if *bits == 0 {
            self.touched.push(word);
        }
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }

    pub(super) fn contains(&self, node: Node) -> bool {
        let bits = self.words.get(node.index() / 64).copied().unwrap_or(0);
        bits & (1_u64 << (node.index() % 64)) != 0
    }

    pub(super) fn clear(&mut self) {
        for word in self.touched.drain(..) {
            if let Some(bits) = self.words.get_mut(word) {
                *bits = 0;
            }
        }
    }
}
