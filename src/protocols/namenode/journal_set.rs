//! Journal set: one operation on the shared journal first, then on each local one, in order.
//!
//! Here: which journal is asked next, which failure is fatal, which journal is left out.
//! Never here: how a journal does it.
//! Modelled on: Hadoop `JournalSet.mapJournalsAndReportErrors`, `NameNodeResourcePolicy`,
//! `FSNamesystem.getNamespaceEditsDirs/getRequiredNamespaceEditsDirs` (3.4.1).

/// What is done to every journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `recoverUnfinalizedSegments`: all journals.
    Recover,
    /// `startLogSegment`: all journals; one that was left out comes back.
    StartSegment,
    /// `flush`: those with an open stream.
    Flush,
    /// `finalizeLogSegment`: those with an open stream.
    Finalize,
}

/// What the process shall do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask the journal with this index.
    Ask(usize),
    /// Every journal that counts has done it.
    Done,
    /// `terminate(1)`.
    Exit(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Journal {
    required: bool,
    disabled: bool,
}

/// The journals of one NameNode, in the order in which they are written.
#[derive(Clone, Debug)]
pub struct JournalSet {
    journals: Vec<Journal>,
    /// `dfs.namenode.edits.dir.minimum`: optional journals that must be left.
    optional_min: usize,
    running: Option<(Operation, usize)>,
}

impl JournalSet {
    /// Journals in writing order: true for a required one (shared directories always are).
    pub fn new(required: &[bool], optional_min: usize) -> JournalSet {
        let journal = |required: &bool| Journal { required: *required, disabled: false };
        JournalSet { journals: required.iter().map(journal).collect(), optional_min, running: None }
    }

    /// Whether the journal with this index takes part in flushes.
    pub fn is_active(&self, journal: usize) -> bool {
        !self.journals[journal].disabled
    }

    /// Starts an operation.
    pub fn begin(&mut self, operation: Operation) -> Next {
        assert!(self.running.is_none(), "one operation at a time");
        self.running = Some((operation, 0));
        self.ask_from(operation, 0)
    }

    /// The journal that was asked has answered.
    pub fn answered(&mut self, ok: bool) -> Next {
        let (operation, at) = self.running.take().expect("a journal was asked");
        let journal = &mut self.journals[at];
        if !ok && journal.required {
            return Next::Exit(match operation {
                Operation::Recover => "recoverUnfinalizedSegments failed for required journal",
                Operation::StartSegment => "starting log segment failed for required journal",
                Operation::Flush => "flush failed for required journal",
                Operation::Finalize => "finalize log segment failed for required journal",
            });
        }
        match operation {
            Operation::StartSegment => journal.disabled = !ok,
            Operation::Recover | Operation::Flush | Operation::Finalize if !ok => {
                journal.disabled = true;
            }
            Operation::Recover | Operation::Flush | Operation::Finalize => {}
        }
        self.ask_from(operation, at + 1)
    }

    fn ask_from(&mut self, operation: Operation, from: usize) -> Next {
        let wanted = |journal: &Journal| match operation {
            Operation::Recover | Operation::StartSegment => true,
            Operation::Flush | Operation::Finalize => !journal.disabled,
        };
        let next = (from..self.journals.len()).find(|at| wanted(&self.journals[*at]));
        if let Some(at) = next {
            self.running = Some((operation, at));
            return Next::Ask(at);
        }
        self.running = None;
        if self.enough_left() { Next::Done } else { Next::Exit("too many journals failed") }
    }

    /// `NameNodeResourcePolicy.areResourcesAvailable`.
    fn enough_left(&self) -> bool {
        let optional = self.journals.iter().filter(|journal| !journal.required);
        let left = optional.clone().filter(|journal| !journal.disabled).count();
        if self.journals.iter().any(|journal| journal.required && journal.disabled) {
            return false;
        }
        if optional.count() == 0 { !self.journals.is_empty() } else { self.optional_min <= left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_journal_is_flushed_first_and_the_local_ones_one_after_the_other() {
        let mut set = JournalSet::new(&[true, false, false], 1);
        assert_eq!(set.begin(Operation::Flush), Next::Ask(0));
        assert_eq!(set.answered(true), Next::Ask(1));
        assert_eq!(set.answered(true), Next::Ask(2));
        assert_eq!(set.answered(true), Next::Done);
    }

    #[test]
    fn a_required_journal_that_fails_is_fatal_at_once() {
        let mut set = JournalSet::new(&[true, false], 1);
        set.begin(Operation::Flush);
        assert_eq!(set.answered(false), Next::Exit("flush failed for required journal"));
    }

    #[test]
    fn an_optional_journal_is_left_out_until_the_next_segment_while_enough_remain() {
        let mut set = JournalSet::new(&[true, false, false], 1);
        set.begin(Operation::Flush);
        set.answered(true);
        assert_eq!(set.answered(false), Next::Ask(2));
        assert_eq!(set.answered(true), Next::Done);
        assert_eq!(set.begin(Operation::Flush), Next::Ask(0));
        assert_eq!(set.answered(true), Next::Ask(2));
        assert_eq!(set.answered(true), Next::Done);
        assert_eq!(set.begin(Operation::StartSegment), Next::Ask(0));
        assert_eq!(set.answered(true), Next::Ask(1));
        assert_eq!(set.answered(true), Next::Ask(2));
        assert_eq!(set.answered(true), Next::Done);
        assert!(set.is_active(1));
    }

    #[test]
    fn the_last_optional_journal_is_as_good_as_required() {
        let mut set = JournalSet::new(&[true, false], 1);
        set.begin(Operation::Flush);
        set.answered(true);
        assert_eq!(set.answered(false), Next::Exit("too many journals failed"));
        let mut alone = JournalSet::new(&[true], 1);
        alone.begin(Operation::Flush);
        assert_eq!(alone.answered(true), Next::Done);
    }
}
