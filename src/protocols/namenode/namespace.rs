//! Namespace: the tree of directories and files that one NameNode keeps in memory.
//!
//! Here: what each operation finds, refuses and changes; the changes as replayable records.
//! Never here: edits' transaction ids, locks, blocks, permissions.
//! Modelled on: Hadoop `FSDirectory`, `FSDirMkdirOp`, `FSDirWriteFileOp`, `FSDirDeleteOp`,
//! `FSDirRenameOp`, `FSEditLogLoader.applyEditLogOpInternal` (3.4.1).

use super::shared_map::SharedMap;

/// `INodeId`: counted up, never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct InodeId(pub u64);

/// `INodeId.ROOT_INODE_ID`.
pub const ROOT: InodeId = InodeId(16_385);

/// One component of a path, hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub u64);

/// What an inode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Has children.
    Directory,
    /// Has data; a writer holds it open until it is complete.
    File {
        /// Whether the writer has closed it.
        complete: bool,
    },
}

/// What the tree knows of one inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inode {
    /// Its number.
    pub id: InodeId,
    /// What it is.
    pub kind: Kind,
    /// What was written, hashed: the key of a later audit.
    pub content: u64,
}

/// One change of the tree: what an edit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `OP_MKDIR`.
    Mkdir {
        /// Where.
        parent: InodeId,
        /// Under which name.
        name: Name,
        /// The new inode.
        inode: InodeId,
        /// What is written, hashed.
        content: u64,
    },
    /// `OP_ADD`: the file exists and its writer holds it open.
    Add {
        /// Where.
        parent: InodeId,
        /// Under which name.
        name: Name,
        /// The new inode.
        inode: InodeId,
        /// What is written, hashed.
        content: u64,
    },
    /// `OP_CLOSE`: the writer is done.
    Close {
        /// Where.
        parent: InodeId,
        /// Under which name.
        name: Name,
    },
    /// `OP_DELETE`, with all that lies below.
    Delete {
        /// Where.
        parent: InodeId,
        /// Under which name.
        name: Name,
    },
    /// `OP_RENAME`.
    Rename {
        /// From where.
        from: (InodeId, Name),
        /// To where.
        to: (InodeId, Name),
    },
}

/// Why an operation changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `FileNotFoundException`.
    NotFound,
    /// `FileAlreadyExistsException`.
    AlreadyExists,
    /// `ParentNotDirectoryException`.
    ParentNotDirectory,
    /// `PathIsNotEmptyDirectoryException`.
    NotEmpty,
    /// `FileNotFoundException: ... is not under construction`.
    NotUnderConstruction,
    /// `IOException: rename destination ... is a descendant of source`.
    IntoItself,
}

/// A file system's tree.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Inodes that a scenario says are there and that no operation names: they cost time and
    /// bytes (image, quota walk), nothing else.
    base_inodes: u64,
    children: SharedMap<(InodeId, Name), Inode>,
    inode_last: InodeId,
}

impl Namespace {
    /// A freshly formatted tree beside `base_inodes` inodes of ballast.
    pub fn formatted(base_inodes: u64) -> Namespace {
        Namespace { base_inodes, children: SharedMap::default(), inode_last: ROOT }
    }

    /// All inodes: what an image holds and a quota walk visits.
    pub const fn inodes(&self) -> u64 {
        self.base_inodes + 1 + self.children.len() as u64
    }

    /// `getFileInfo`.
    pub fn lookup(&self, path: &[Name]) -> Option<Inode> {
        let root = Inode { id: ROOT, kind: Kind::Directory, content: 0 };
        path.iter().try_fold(root, |at, name| self.children.get((at.id, *name)).copied())
    }

    /// How many children a directory has.
    pub fn children(&self, of: InodeId) -> usize {
        self.children_of(of).count()
    }

    /// `getListing`: at most `limit` children of a directory, in order of names, after `after`;
    /// and whether there are more.
    pub fn list(
        &self,
        of: InodeId,
        after: Option<Name>,
        limit: usize,
    ) -> (Vec<(Name, Inode)>, bool) {
        let from = after.map_or(Some(Name(0)), |name| name.0.checked_add(1).map(Name));
        let Some(from) = from else { return (Vec::new(), false) };
        let below = self.children.range_from((of, from)).take_while(|(key, _)| key.0 == of);
        let mut entries: Vec<_> =
            below.take(limit + 1).map(|(key, inode)| (key.1, *inode)).collect();
        let more = limit < entries.len();
        entries.truncate(limit);
        (entries, more)
    }

    fn children_of(&self, of: InodeId) -> impl Iterator<Item = ((InodeId, Name), Inode)> {
        let all = self.children.range_from((of, Name(0)));
        all.take_while(move |(key, _)| key.0 == of).map(|(key, inode)| (key, *inode))
    }

    /// `mkdirs`: makes what is missing of `path`; nothing is an error if it is all there.
    ///
    /// # Errors
    /// A component is a file.
    pub fn mkdirs(
        &mut self,
        path: &[Name],
        content: u64,
        mut log: impl FnMut(Change),
    ) -> Result<InodeId, Refusal> {
        self.admit_mkdirs(path)?;

        let mut parent = ROOT;
        for name in path {
            parent = match self.children.get((parent, *name)) {
                Some(inode) => inode.id,
                None => {
                    let inode = self.inode_next();
                    let change = Change::Mkdir { parent, name: *name, inode, content };
                    self.apply(change);
                    log(change);
                    inode
                }
            };
        }
        Ok(parent)
    }

    fn admit_mkdirs(&self, path: &[Name]) -> Result<(), Refusal> {
        let mut parent = ROOT;
        for (depth, name) in path.iter().enumerate() {
            let Some(inode) = self.children.get((parent, *name)) else { return Ok(()) };
            match inode.kind {
                Kind::Directory => parent = inode.id,
                Kind::File { .. } if depth + 1 == path.len() => {
                    return Err(Refusal::AlreadyExists);
                }
                Kind::File { .. } => return Err(Refusal::ParentNotDirectory),
            }
        }
        Ok(())
    }

    /// `create`: a new, open file; missing parents are made, an old file is replaced only if
    /// `overwrite` is asked for.
    ///
    /// # Errors
    /// There is a directory, or a file that may not be replaced, or a parent is a file.
    pub fn create(
        &mut self,
        path: &[Name],
        content: u64,
        overwrite: bool,
        mut log: impl FnMut(Change),
    ) -> Result<InodeId, Refusal> {
        let (name, directory) = path.split_last().ok_or(Refusal::AlreadyExists)?;
        let replaces = match self.lookup(path).map(|inode| inode.kind) {
            None => false,
            Some(Kind::File { .. }) if overwrite => true,
            Some(Kind::File { .. } | Kind::Directory) => return Err(Refusal::AlreadyExists),
        };
        // As in mkdirs, a file among the parents is refused before anything changes.
        let parents = self.mkdirs(directory, content, &mut log);
        let parent = parents.map_err(|_| Refusal::ParentNotDirectory)?;

        if replaces {
            let change = Change::Delete { parent, name: *name };
            self.apply(change);
            log(change);
        }
        let inode = self.inode_next();
        let change = Change::Add { parent, name: *name, inode, content };
        self.apply(change);
        log(change);
        Ok(inode)
    }

    /// `complete`: the writer closes its file.
    ///
    /// # Errors
    /// There is no such file, or no writer holds it open.
    pub fn complete(&mut self, path: &[Name], mut log: impl FnMut(Change)) -> Result<(), Refusal> {
        let (parent, name) = self.parent_of(path)?;
        let inode = self.children.get((parent, name)).ok_or(Refusal::NotFound)?;
        if inode.kind != (Kind::File { complete: false }) {
            return Err(Refusal::NotUnderConstruction);
        }

        let change = Change::Close { parent, name };
        self.apply(change);
        log(change);
        Ok(())
    }

    /// `delete`: true if something was there.
    ///
    /// # Errors
    /// A directory has children and `recursive` is not asked for.
    pub fn delete(
        &mut self,
        path: &[Name],
        recursive: bool,
        mut log: impl FnMut(Change),
    ) -> Result<bool, Refusal> {
        let Ok((parent, name)) = self.parent_of(path) else { return Ok(false) };
        let Some(inode) = self.children.get((parent, name)) else { return Ok(false) };
        if !recursive && 0 < self.children(inode.id) {
            return Err(Refusal::NotEmpty);
        }

        let change = Change::Delete { parent, name };
        self.apply(change);
        log(change);
        Ok(true)
    }

    /// `rename`, without overwriting.
    ///
    /// # Errors
    /// The source or the destination's parent is missing, the destination exists, or lies below
    /// the source.
    pub fn rename(
        &mut self,
        from: &[Name],
        to: &[Name],
        mut log: impl FnMut(Change),
    ) -> Result<(), Refusal> {
        let source = self.parent_of(from)?;
        self.children.get(source).ok_or(Refusal::NotFound)?;
        if to.starts_with(from) {
            return Err(Refusal::IntoItself);
        }
        let target = self.parent_of(to)?;
        if self.children.get(target).is_some() {
            return Err(Refusal::AlreadyExists);
        }

        let change = Change::Rename { from: source, to: target };
        self.apply(change);
        log(change);
        Ok(())
    }

    fn parent_of(&self, path: &[Name]) -> Result<(InodeId, Name), Refusal> {
        let (name, directory) = path.split_last().ok_or(Refusal::NotFound)?;
        let parent = self.lookup(directory).ok_or(Refusal::NotFound)?;
        match parent.kind {
            Kind::Directory => Ok((parent.id, *name)),
            Kind::File { .. } => Err(Refusal::ParentNotDirectory),
        }
    }

    const fn inode_next(&self) -> InodeId {
        InodeId(self.inode_last.0 + 1)
    }

    /// Does what an edit says. False: it does not fit this tree, so that a replay must stop.
    pub fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::Mkdir { parent, name, inode, content } => {
                self.add((parent, name), Inode { id: inode, kind: Kind::Directory, content })
            }
            Change::Add { parent, name, inode, content } => {
                let kind = Kind::File { complete: false };
                self.add((parent, name), Inode { id: inode, kind, content })
            }
            Change::Close { parent, name } => match self.children.get_mut((parent, name)) {
                Some(inode) => {
                    inode.kind = Kind::File { complete: true };
                    true
                }
                None => false,
            },
            Change::Delete { parent, name } => match self.children.remove((parent, name)) {
                Some(inode) => {
                    self.drop_below(inode.id);
                    true
                }
                None => false,
            },
            Change::Rename { from, to } => match self.children.remove(from) {
                Some(inode) => self.children.insert(to, inode).is_none(),
                None => false,
            },
        }
    }

    fn add(&mut self, place: (InodeId, Name), inode: Inode) -> bool {
        self.inode_last = self.inode_last.max(inode.id);
        self.children.insert(place, inode).is_none()
    }

    /// Takes out all that lies below a removed directory.
    fn drop_below(&mut self, top: InodeId) {
        let mut open = vec![top];
        while let Some(directory) = open.pop() {
            let below: Vec<_> = self.children_of(directory).collect();
            for (key, inode) in below {
                self.children.remove(key);
                open.push(inode.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(names: &[u64]) -> Vec<Name> {
        names.iter().copied().map(Name).collect()
    }

    #[test]
    fn mkdirs_logs_one_edit_for_each_missing_component_and_none_when_all_is_there() {
        let (mut tree, mut edits) = (Namespace::formatted(0), 0);
        tree.mkdirs(&path(&[1, 2, 3]), 9, |_| edits += 1).unwrap();
        assert_eq!(edits, 3);
        tree.mkdirs(&path(&[1, 2, 3]), 9, |_| edits += 1).unwrap();
        assert_eq!(edits, 3);
        tree.create(&path(&[1, 4]), 8, false, |_| edits += 1).unwrap();
        assert_eq!(tree.mkdirs(&path(&[1, 4]), 9, |_| ()), Err(Refusal::AlreadyExists));
        assert_eq!(tree.mkdirs(&path(&[1, 4, 5]), 9, |_| ()), Err(Refusal::ParentNotDirectory));
    }

    #[test]
    fn a_file_is_open_until_it_is_completed_and_goes_with_its_directory() {
        let mut tree = Namespace::formatted(100);
        tree.create(&path(&[1, 2]), 8, false, |_| ()).unwrap();
        assert_eq!(tree.create(&path(&[1, 2]), 8, false, |_| ()), Err(Refusal::AlreadyExists));
        assert!(tree.complete(&path(&[1, 2]), |_| ()).is_ok());
        let again = tree.complete(&path(&[1, 2]), |_| ());
        assert_eq!(again, Err(Refusal::NotUnderConstruction));
        assert_eq!(tree.delete(&path(&[1]), false, |_| ()), Err(Refusal::NotEmpty));
        assert_eq!(tree.delete(&path(&[1]), true, |_| ()), Ok(true));
        assert_eq!((tree.lookup(&path(&[1, 2])), tree.inodes()), (None, 101));
    }

    #[test]
    fn a_listing_goes_on_after_its_last_name() {
        let mut tree = Namespace::formatted(0);
        for name in [5, 1, 9, u64::MAX] {
            tree.mkdirs(&path(&[7, name]), name, |_| ()).unwrap();
        }
        let at = tree.lookup(&path(&[7])).unwrap().id;
        let names = |(entries, more): (Vec<(Name, Inode)>, bool)| -> (Vec<u64>, bool) {
            (entries.into_iter().map(|(name, _)| name.0).collect(), more)
        };
        assert_eq!(names(tree.list(at, None, 2)), (vec![1, 5], true));
        assert_eq!(names(tree.list(at, Some(Name(5)), 2)), (vec![9, u64::MAX], false));
        assert_eq!(names(tree.list(at, Some(Name(u64::MAX)), 2)), (vec![], false));
    }

    #[test]
    fn a_renamed_directory_keeps_what_lies_below() {
        let mut tree = Namespace::formatted(0);
        tree.mkdirs(&path(&[1, 2]), 7, |_| ()).unwrap();
        assert_eq!(tree.rename(&path(&[1]), &path(&[1, 3]), |_| ()), Err(Refusal::IntoItself));
        tree.rename(&path(&[1]), &path(&[5]), |_| ()).unwrap();
        assert_eq!(tree.lookup(&path(&[5, 2])).unwrap().content, 7);
        assert_eq!(tree.lookup(&path(&[1])), None);
    }

    proptest! {
        /// A standby that replays the edits has the same tree: the law behind tailing.
        #[test]
        fn replay_gives_the_same_tree(
            steps in prop::collection::vec((0..5_u8, 0..4_u64, 0..4_u64, 0..4_u64), 1..120),
        ) {
            let (mut active, mut standby) = (Namespace::formatted(0), Namespace::formatted(0));
            let mut edits = Vec::new();
            for (content, (step, a, b, c)) in steps.into_iter().enumerate() {
                let (one, two) = (path(&[a, b, c]), path(&[b, c]));
                let content = content as u64;
                match step {
                    0 => drop(active.mkdirs(&one, content, |edit| edits.push(edit))),
                    1 => drop(active.create(&two, content, c == 0, |edit| edits.push(edit))),
                    2 => drop(active.complete(&two, |edit| edits.push(edit))),
                    3 => drop(active.delete(&path(&[a]), b == 0, |edit| edits.push(edit))),
                    _ => drop(active.rename(&two, &one, |edit| edits.push(edit))),
                }
            }
            for edit in edits {
                prop_assert!(standby.apply(edit));
            }
            prop_assert_eq!(active.inode_last, standby.inode_last);
            let tree = |of: &Namespace| -> Vec<_> {
                of.children.range_from((InodeId(0), Name(0))).map(|(k, v)| (k, *v)).collect()
            };
            prop_assert_eq!(tree(&active), tree(&standby));
        }
    }
}
