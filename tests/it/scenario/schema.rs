//! Schema: valid JSON, complete, and agreeing with the reader.
//!
//! Here: what an editor would be told.
//! Never here: a JSON Schema validator.
//! Modelled on: JSON Schema 2020-12.

use serde_json::Value;

use hadr::scenario::schema::schema;

use super::words;

#[test]
fn the_schema_lists_every_field_key_and_name() {
    let text = schema(&words());
    let root: Value = serde_json::from_str(&text).expect("valid JSON");
    let config = &root["properties"]["config"]["properties"];
    let period = &config["hdfs"]["properties"]["dfs.ha.tail-edits.period"];
    assert_eq!(period["x-stock"]["hadoop-3.4"], "60");
    assert_eq!(config["zookeeper"]["properties"]["profile"]["enum"][0], "zookeeper-3.8");
    let fault = &root["properties"]["fault"]["items"];
    assert_eq!(fault["required"], serde_json::json!(["kind", "target"]));
    assert_eq!(
        fault["properties"]["on"]["properties"]["mark"]["enum"][0],
        "qjm/accept-recovery:sent"
    );
    assert_eq!(root["additionalProperties"], false);
    assert_eq!(schema(&words()), text, "the same bytes each time");
}
