//! A plan of what a create would do.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

use super::{HeliosClient, Inner, KinesisSampleOptions};
use crate::{
    CreateTable, Result,
    sources::{CreatePlan, SchemaCheck, check_schema},
    streams::{self, Position},
};

/// What to plan: a [`CreateTable`], and how to sample the stream: `{"streamName", "tableName", "schema", …, "sample": {…}}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlanTable {
    /// What is to be created.
    pub create: CreateTable,
    /// How the events are read that are held against the schema.
    pub sample: KinesisSampleOptions,
}

impl PlanTable {
    /// A plan with a sample of a hundred events.
    #[must_use]
    pub fn new(create: CreateTable) -> Self {
        Self { create, sample: KinesisSampleOptions::default() }
    }

    /// Sets how the stream is sampled.
    #[must_use]
    pub fn sample(mut self, sample: KinesisSampleOptions) -> Self {
        self.sample = sample;
        self
    }
}

impl<'de> Deserialize<'de> for PlanTable {
    /// Not flattened, as then no field would be unknown.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let sample = fields.remove("sample").map(serde_json::from_value).transpose();
        let create = serde_json::from_value(Value::Object(fields));
        Ok(Self {
            create: create.map_err(D::Error::custom)?,
            sample: sample.map_err(D::Error::custom)?.unwrap_or_default(),
        })
    }
}

pub(super) async fn plan(client: &HeliosClient, plan: &PlanTable) -> Result<CreatePlan> {
    let sources = client.open_sources().await?;
    // That it cannot be read is told where the permissions are, and an empty stream is no obstacle.
    let sample = sampled(client, plan).await.ok();
    sources.plan(&plan.create, sample).await
}

/// What the table would make of the stream's events.
async fn sampled(client: &HeliosClient, plan: &PlanTable) -> Result<SchemaCheck> {
    let PlanTable { create, sample } = plan;
    let definition = create.definition(0)?;
    let mut reading = sample.reading.clone();
    if reading.position != Some(Position::Now) {
        // What is there now: nobody waits for what may come.
        reading.until.get_or_insert_with(|| client.0.clock.now());
    }
    let Inner { session, clock, .. } = &*client.0;
    let sampled = streams::sample(session, &create.stream_name, &reading, clock).await?;
    check_schema(&definition, (create.unknown_fields, create.missing_fields), &sampled.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_a_create_with_a_sample() {
        let text = r#"{"streamName": "s", "tableName": "t", "schema": [{"name": "a", "type": "UInt8"}], "sample": {"maxEvents": 5}}"#;
        let plan: PlanTable = serde_json::from_str(text).unwrap();
        assert_eq!(plan.create, CreateTable::new("s", "t", [crate::Column::new("a", "UInt8")]));
        assert_eq!(plan.sample.reading.max_events, 5);
        for (wrong, says) in [
            (r#"{"streamName": "s", "tableName": "t"}"#, "schema"),
            (r#"{"streamName": "s", "tableName": "t", "schema": [], "samples": {}}"#, "samples"),
            (r#"{"streamName": "s", "tableName": "t", "schema": [], "sample": {"events": 5}}"#, "events"),
        ] {
            let error = serde_json::from_str::<PlanTable>(wrong).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
