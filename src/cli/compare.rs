//! Compare: architectures under disasters, over the same replications.
//!
//! Here: the flags of `hadr compare`, the progress bar, the folder it fills.
//! Never here: statistics.
//! Modelled on: DESIGN 6, 7 and 8; hyperfine.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::builtin;
use super::common::{Format, OutputArgs, SetArgs, complain, quoted, read, write_files};
use super::{Failure, Outcome};
use crate::campaign::compare::{Cell, Comparison, Plan, compare};
use crate::campaign::pool::Pool;
use crate::campaign::summary::summarize;
use crate::report;
use crate::runner::objectives::Asked;
use crate::runner::{Session, Watch};
use crate::scenario::{Document, Scenario, Vocabulary};
use crate::systems::Registry;

/// Compare architectures under disasters, over the same replications
///
/// Files with a [topology] are architectures, files with nothing but faults are disasters; an
/// architecture that brings faults of its own is run as it is. Without files the designs that come
/// with hadr are compared. What is set below `fault` is set in disasters, everything else in
/// architectures.
#[derive(Args)]
#[command(after_long_help = super::EXIT_STATUS)]
pub(super) struct CompareArgs {
    /// Architectures and disasters
    pub(super) files: Vec<String>,

    #[command(flatten)]
    pub(super) set: SetArgs,

    /// Replications of each pair
    #[arg(long, value_name = "N", default_value_t = 60, help_heading = "Reproduction")]
    pub(super) runs: u64,

    /// Seed of the first replication; the k-th has this plus k
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Reproduction")]
    pub(super) seed: u64,

    /// Threads; all cores if nothing is said
    #[arg(long, value_name = "N", help_heading = "Output")]
    jobs: Option<NonZeroUsize>,

    /// Write summary.json, runs.csv, manifest.json, report.html and plots there
    #[arg(
        long,
        value_name = "DIR",
        default_value = "reports/out/compare",
        help_heading = "Output"
    )]
    out: PathBuf,

    #[command(flatten)]
    output: OutputArgs,
}

/// The grid: its cells, and the scenario of each that is applicable.
struct Grid {
    cells: Vec<Cell>,
    scenarios: Vec<Option<Arc<Scenario>>>,
}

impl CompareArgs {
    pub(super) fn reproduce(&self) -> String {
        let mut words = vec!["hadr".to_string(), "compare".to_string()];
        words.extend(self.files.iter().cloned());
        words.extend(["--runs".to_string(), self.runs.to_string()]);
        words.extend(["--seed".to_string(), self.seed.to_string()]);
        for set in &self.set.sets {
            words.extend(["--set".to_string(), set.clone()]);
        }
        quoted(&words)
    }

    /// What is set below `fault` is set in whatever has faults, everything else in designs.
    fn read(&self, file: &str, words: &Vocabulary) -> Result<Document, Failure> {
        let as_written = read(file, &SetArgs::default(), words)?;
        let (design, faults) = match &as_written {
            Document::Scenario(scenario) => (true, !scenario.faults.is_empty()),
            Document::Disaster(_) => (false, true),
        };
        let applies = |set: &&String| if set.starts_with("fault.") { faults } else { design };
        let sets: Vec<String> = self.set.sets.iter().filter(applies).cloned().collect();
        if sets.is_empty() { Ok(as_written) } else { read(file, &SetArgs { sets }, words) }
    }

    fn grid(&self, registry: &Registry) -> Result<Grid, Failure> {
        let words = Vocabulary::of(registry);
        let files = if self.files.is_empty() { builtin::comparison() } else { self.files.clone() };
        let (mut designs, mut disasters) = (Vec::new(), Vec::new());
        for file in &files {
            match self.read(file, &words)? {
                Document::Scenario(scenario) => designs.push(*scenario),
                Document::Disaster(disaster) => disasters.push(disaster),
            }
        }
        if designs.is_empty() {
            let message = "no architecture: at least one file needs a [topology]";
            return Err(Failure::BadInput(message.to_string()));
        }
        let mut grid = Grid { cells: Vec::new(), scenarios: Vec::new() };
        let mut add = |design: &Scenario, disaster: &str, scenario: Result<Scenario, String>| {
            let hash = scenario.as_ref().map(|scenario| scenario.hash);
            grid.cells.push(Cell {
                architecture: design.name.clone(),
                disaster: disaster.to_string(),
                scenario: hash.map_err(Clone::clone),
                asked: scenario.as_ref().map(Asked::by).unwrap_or_default(),
            });
            grid.scenarios.push(scenario.ok().map(Arc::new));
        };
        for disaster in &disasters {
            for design in designs.iter().filter(|design| design.faults.is_empty()) {
                add(design, &disaster.name, design.under(disaster, &words));
            }
        }
        for design in designs.iter().filter(|d| !d.faults.is_empty() || disasters.is_empty()) {
            add(design, "as it is", Ok(design.clone()));
        }
        Ok(grid)
    }

    /// Runs the whole grid.
    pub(super) fn simulate(&self, registry: Registry) -> Result<Comparison, Failure> {
        let grid = self.grid(&registry)?;
        let registry = Arc::new(registry);
        // A design that cannot be built is bad input, found before the campaign starts.
        for scenario in grid.scenarios.iter().flatten() {
            let opened =
                Session::open(scenario.clone(), registry.clone(), self.seed, Watch::default());
            opened.map_err(|why| Failure::BadInput(format!("{}: {why}", scenario.name)))?;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        // A second handler cannot be set; then Ctrl-C ends the program as usual.
        let _ours = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        let applicable = grid.scenarios.iter().flatten().count() as u64;
        let bar = self.progress_bar(applicable * self.runs);
        let progress = |done: usize| bar.set_position(done as u64);
        let pool = Pool { jobs: self.jobs, progress: &progress, stop: &stop };
        let plan = Plan { cells: grid.cells, root: self.seed, runs: self.runs };
        let scenarios = &grid.scenarios;
        let names = plan.cells.clone();
        let comparison = compare(plan, &pool, |cell, seed| {
            let scenario = scenarios[cell].clone().expect("applicable cells only");
            let session = Session::open(scenario, registry.clone(), seed, Watch::default());
            session.expect("it was built before").finish()
        });
        bar.finish_and_clear();
        let comparison = comparison.map_err(|(panicked, cell, seed)| {
            let Cell { architecture, disaster, .. } = &names[cell];
            complain(&format!("{panicked} ({architecture} under {disaster}, seed {seed})"));
            Failure::Bug(self.reproduce())
        })?;
        if stop.load(Ordering::Relaxed) {
            let (done, asked) = (comparison.plan.runs, self.runs);
            complain(&format!("interrupted: {done} of {asked} replications are finished"));
        }
        Ok(comparison)
    }

    fn progress_bar(&self, runs: u64) -> ProgressBar {
        let bar = ProgressBar::new(runs);
        let style = "{bar:40} {pos}/{len} runs, {eta} to go";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        if self.output.quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar
    }
}

/// Versions of the models in a registry.
pub(super) fn models(registry: &Registry) -> BTreeMap<String, String> {
    let systems = registry.systems().iter();
    systems.map(|system| (system.name.to_string(), system.model_version.to_string())).collect()
}

pub(super) fn run(args: &CompareArgs, registry: Registry) -> Outcome {
    let models = models(&registry);
    let comparison = args.simulate(registry)?;
    let summary = summarize(&comparison);
    let (digest, reproduce) = (comparison.digest_of_digests(), args.reproduce());
    let plots = report::plots::plots(&summary);
    let csv = report::runs_csv::runs(&comparison);
    let csv = csv.map_err(|error| Failure::BadInput(format!("runs.csv: {error}")))?;
    let json = report::pretty(&report::compare_json::summary(&summary));
    let manifest =
        report::pretty(&report::compare_json::manifest(&comparison, &models, &reproduce));
    let page = report::html::page(&summary, &plots, digest, &reproduce);
    let mut files = vec![
        ("summary.json".to_string(), json.clone().into_bytes()),
        ("runs.csv".to_string(), csv.into_bytes()),
        ("manifest.json".to_string(), manifest.into_bytes()),
        ("report.html".to_string(), page.into_bytes()),
    ];
    for plot in &plots {
        files.push((format!("plots/{}.svg", plot.name), plot.svg.clone().into_bytes()));
    }
    write_files(&args.out, &files)?;
    match args.output.format {
        Format::Text => {
            let paint = args.output.paint();
            let text = report::compare_text::compare(&summary, paint, digest, &reproduce);
            args.output.print(&text);
            let written = args.out.display();
            args.output.print(&format!("written: {written}/report.html, summary.json, runs.csv"));
        }
        Format::Json => args.output.print(&json),
    }
    match summary.verdict().exit_status() {
        0 => Ok(()),
        status => Err(Failure::Status(status)),
    }
}
