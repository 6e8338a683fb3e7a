//! Run: one scenario, one seed, one verdict.
//!
//! Here: the flags of `hadr run`, and what it prints and writes.
//! Never here: what happens in the run.
//! Modelled on: DESIGN 6 and 7.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::common::{Format, OutputArgs, SetArgs, quoted, read_scenario, write_files};
use super::{Failure, Outcome};
use crate::engine::note::Stamped;
use crate::history::Fact;
use crate::report;
use crate::runner::objectives::Asked;
use crate::runner::{Lineage, Record, Session, Watch};
use crate::scenario::{Scenario, Vocabulary};
use crate::systems::Registry;

/// Simulate one scenario once and judge it
#[derive(Args)]
#[command(after_long_help = super::EXIT_STATUS)]
pub(super) struct RunArgs {
    /// Scenario file
    pub(super) scenario: String,

    #[command(flatten)]
    pub(super) set: SetArgs,

    /// Plant a historic bug (see `hadr list plants`)
    #[arg(long = "plant", value_name = "NAME", help_heading = "Scenario")]
    pub(super) plants: Vec<String>,

    /// Root of every draw
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Reproduction")]
    pub(super) seed: u64,

    /// Where the run was forked, and which branch it took: EVENTS:BRANCH, joined by '/'
    #[arg(long, value_name = "L", help_heading = "Reproduction")]
    pub(super) lineage: Option<Lineage>,

    /// Count remote calls by kind and pair of processes
    #[arg(long, help_heading = "Output")]
    census: bool,

    /// Show every line of the timeline, not the story alone
    #[arg(long, help_heading = "Output")]
    details: bool,

    /// Write run.json and history.jsonl there
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

impl RunArgs {
    /// The line that repeats this run.
    fn reproduce(&self) -> String {
        let mut words = vec!["hadr".to_string(), "run".to_string(), self.scenario.clone()];
        words.extend(["--seed".to_string(), self.seed.to_string()]);
        if let Some(lineage) = &self.lineage {
            words.extend(["--lineage".to_string(), lineage.to_string()]);
        }
        for set in &self.set.sets {
            words.extend(["--set".to_string(), set.clone()]);
        }
        for plant in &self.plants {
            words.extend(["--plant".to_string(), plant.clone()]);
        }
        quoted(&words)
    }

    /// Reads the scenario and runs it.
    pub(super) fn simulate(
        &self,
        registry: Registry,
        watch: Watch,
    ) -> Result<(Record, Vec<Stamped>), Failure> {
        let words = Vocabulary::of(&registry);
        let mut scenario = read_scenario(&self.scenario, &self.set, &words)?;
        if !self.plants.is_empty() {
            let plants = self.known_plants(&registry)?;
            scenario = Arc::new(Scenario { plants, ..(*scenario).clone() });
        }
        let lineage = self.lineage.clone().unwrap_or_default();
        let registry = Arc::new(registry);
        let asked = Asked::by(&scenario);
        let run = || {
            let session = Session::open_lineage(scenario, registry, self.seed, (watch, &lineage))?;
            Ok(session.finish_with_history())
        };
        let told = catch_unwind(AssertUnwindSafe(run));
        let (mut record, history) = told
            .map_err(|_| Failure::Bug(self.reproduce()))?
            .map_err(|why: String| Failure::BadInput(format!("{}: {why}", self.scenario)))?;
        // One run is the smallest campaign.
        let (violations, gaps) = asked.of_campaign(std::slice::from_ref(&record));
        record.violations.extend(violations);
        record.gaps.extend(gaps);
        record.reproduce = self.reproduce();
        Ok((record, history))
    }

    fn known_plants(&self, registry: &Registry) -> Result<Vec<String>, Failure> {
        let known: Vec<_> = registry.plants().map(|spec| spec.name).collect();
        for plant in &self.plants {
            if !known.contains(&plant.as_str()) {
                let known = known.join(", ");
                let message = format!("--plant {plant}: no such plant; there are: {known}");
                return Err(Failure::BadInput(message));
            }
        }
        Ok(self.plants.clone())
    }
}

pub(super) fn run(args: &RunArgs, registry: Registry) -> Outcome {
    let watch = Watch { story: true, census: args.census, history: args.out.is_some() };
    let (record, history) = args.simulate(registry, watch)?;
    let json = report::pretty(&report::run_json::run(&record));
    match args.output.format {
        Format::Text => {
            let shown =
                report::run_text::Shown { paint: args.output.paint(), details: args.details };
            args.output.print(&report::run_text::run(&record, shown));
        }
        Format::Json => args.output.print(&json),
    }
    if let Some(folder) = &args.out {
        let files = [
            ("run.json".to_string(), json.into_bytes()),
            ("history.jsonl".to_string(), history_lines(&history).into_bytes()),
        ];
        write_files(folder, &files)?;
    }
    match record.verdict().exit_status() {
        0 => Ok(()),
        status => Err(Failure::Status(status)),
    }
}

/// `hadr.history/1`: one line an entry.
fn history_lines(history: &[Stamped]) -> String {
    let mut lines = String::from("{\"schema\":\"hadr.history/1\"}\n");
    for entry in history {
        let fact = Fact::read(&entry.note);
        let said = fact.map_or_else(String::new, |fact| format!("{fact:?}"));
        let line = serde_json::json!({
            "at_s": report::decimal::moment(entry.at),
            "by": entry.by.0,
            "event": entry.event.0,
            "kind": entry.note.kind,
            "fields": entry.note.fields,
            "fact": said,
        });
        let _infallible = writeln!(lines, "{line}");
    }
    lines
}
