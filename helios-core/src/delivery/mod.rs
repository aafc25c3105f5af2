pub mod quarantine {
    use crate::{Result, warehouse::*};
    pub async fn ensure(_: &Warehouse, _: &TableName) -> Result<()> {
        Ok(())
    }
}
