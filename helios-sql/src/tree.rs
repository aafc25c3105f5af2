//! The syntax tree of a statement, as `EXPLAIN AST` writes it: a line for each node, one space for each level.

use std::collections::HashSet;

/// A tree.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

/// A node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    at: usize,
    /// Where the node behind it and all that is in it is.
    end: usize,
    /// The node that it is in.
    parent: Option<usize>,
    depth: usize,
    /// The line without its indentation, its alias and the number of its children.
    line: &'a str,
    alias: Option<&'a str>,
}

impl<'a> Node<'a> {
    fn read(at: usize, line: &'a str) -> (Self, usize) {
        let text = line.trim_start_matches(' ');
        let depth = line.len() - text.len();
        let (text, children) = children(text).unwrap_or((text, 0));
        let text = text.trim_end_matches(' ');
        let (text, alias) = match text.strip_suffix(')').and_then(|text| text.rsplit_once(" (alias ")) {
            Some((text, alias)) => (text, Some(alias)),
            None => (text, None),
        };
        (Self { at, end: at + 1, parent: None, depth, line: text, alias }, children)
    }

    /// Whether it is the same node.
    pub(crate) fn is(self, other: Self) -> bool {
        self.at == other.at
    }

    /// What it is: the first word.
    pub(crate) fn kind(self) -> &'a str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// The whole, without its alias.
    pub(crate) fn line(self) -> &'a str {
        self.line
    }

    /// What is behind the kind.
    pub(crate) fn name(self) -> &'a str {
        self.line.split_once(' ').map_or("", |(_, name)| name)
    }
}

/// The text before ` (children 3)`, and the number.
fn children(text: &str) -> Option<(&str, usize)> {
    let (before, number) = text.strip_suffix(')')?.rsplit_once(" (children ")?;
    Some((before, number.parse().ok()?))
}

impl<'a> Tree<'a> {
    /// The tree of these lines; `None` if they are not one tree, each node with as many children as it says.
    pub(crate) fn read(lines: &'a [String]) -> Option<Self> {
        let mut nodes: Vec<Node<'a>> = Vec::with_capacity(lines.len());
        // The node of each level that is open, and how many of its children are to come.
        let mut open: Vec<(usize, usize)> = Vec::new();
        let lines = match lines {
            // What ends the text.
            [lines @ .., last] if last.is_empty() => lines,
            lines => lines,
        };
        for (at, line) in lines.iter().enumerate() {
            let (mut node, children) = Node::read(at, line);
            if node.depth > open.len() || (at > 0 && node.depth == 0) {
                return None;
            }
            close(&mut nodes, open.drain(node.depth..), at)?;
            if let Some((parent, expected)) = open.last_mut() {
                *expected = expected.checked_sub(1)?;
                node.parent = Some(*parent);
            }
            open.push((at, children));
            nodes.push(node);
        }
        let end = nodes.len();
        close(&mut nodes, open.into_iter(), end)?;
        (end > 0).then_some(Self { nodes })
    }

    pub(crate) fn root(&self) -> Node<'a> {
        let none = Node { at: 0, end: 0, parent: None, depth: 0, line: "", alias: None };
        // There is one: see `read`.
        self.nodes.first().copied().unwrap_or(none)
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = Node<'a>> {
        self.nodes.iter().copied()
    }

    pub(crate) fn children(&self, node: Node<'a>) -> impl Iterator<Item = Node<'a>> {
        let first = self.nodes.get(node.at + 1).filter(|_| node.at + 1 < node.end);
        let next = move |child: &&Node<'a>| self.nodes.get(child.end).filter(|_| child.end < node.end);
        std::iter::successors(first, next).copied()
    }

    pub(crate) fn parent(&self, node: Node<'a>) -> Option<Node<'a>> {
        self.nodes.get(node.parent?).copied()
    }

    /// The names of functions that the statement defines itself: `WITH x -> x + 1 AS f`.
    pub(crate) fn aliases_of_lambdas(&self) -> HashSet<&'a str> {
        self.nodes
            .iter()
            .filter(|node| node.line == "Function lambda")
            .filter_map(|node| node.alias)
            .collect()
    }
}

/// Notes where these nodes end; `None` if one of them lacks a child.
fn close(nodes: &mut [Node<'_>], open: impl Iterator<Item = (usize, usize)>, end: usize) -> Option<()> {
    for (at, missing) in open {
        if missing > 0 {
            return None;
        }
        nodes.get_mut(at)?.end = end;
    }
    Some(())
}
