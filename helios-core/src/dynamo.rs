//! DynamoDB tables of ours: two text keys, billed on demand, made where they are missing.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata as _,
    operation::create_table::builders::CreateTableFluentBuilder,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus},
};

use crate::{Error, ErrorKind, Result, clock::SharedClock, streams::error::from_sdk};

const READY_POLL: Duration = Duration::from_millis(500);
/// DynamoDB makes an on-demand table in seconds.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// A table that need not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct DynamoTable {
    pub(crate) client: Client,
    pub(crate) name: String,
    /// What the name stands for in an error: `"mapping table"`.
    pub(crate) role: &'static str,
    /// Its partition key and its sort key.
    pub(crate) keys: [&'static str; 2],
    pub(crate) clock: SharedClock,
}

impl DynamoTable {
    /// Makes the table unless it exists, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`], [`ErrorKind::Timeout`] if it does not become ready within two minutes.
    pub(crate) async fn ensure(&self) -> Result<()> {
        match self.status().await? {
            Some(TableStatus::Active) => return Ok(()),
            Some(_) => {}
            None => self.make().await?,
        }
        let deadline = self.clock.now() + READY_LIMIT;
        while self.status().await? != Some(TableStatus::Active) {
            if self.clock.now() > deadline {
                let message = format!("the {} did not become ready within two minutes", self.role);
                return Err(self.about(Error::new(ErrorKind::Timeout, message).retryable(true)));
            }
            self.clock.sleep(READY_POLL).await;
        }
        Ok(())
    }

    async fn status(&self) -> Result<Option<TableStatus>> {
        match self.client.describe_table().table_name(&self.name).send().await {
            Ok(answer) => Ok(answer.table.and_then(|table| table.table_status)),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.about(from_sdk(error))),
        }
    }

    /// The request that makes the table.
    pub(crate) fn request(&self) -> Result<CreateTableFluentBuilder> {
        let invalid =
            |error| Error::unexpected(format!("the {} cannot be described", self.role)).caused_by(error);
        let mut request =
            self.client.create_table().table_name(&self.name).billing_mode(BillingMode::PayPerRequest);
        for (name, key) in self.keys.into_iter().zip([KeyType::Hash, KeyType::Range]) {
            let attribute =
                AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder().attribute_name(name).key_type(key);
            request = request
                .attribute_definitions(attribute.build().map_err(invalid)?)
                .key_schema(key.build().map_err(invalid)?);
        }
        Ok(request)
    }

    async fn make(&self) -> Result<()> {
        match self.request()?.send().await {
            Ok(_) => Ok(()),
            // Somebody else was faster.
            Err(error) if error.code() == Some("ResourceInUseException") => Ok(()),
            Err(error) => Err(self.about(from_sdk(error))),
        }
    }

    /// Says which table an error is about.
    pub(crate) fn about(&self, error: Error) -> Error {
        error.with(self.role, &self.name)
    }
}
