module bulkhead.local/sdk

go 1.24
