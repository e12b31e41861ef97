module my-plugin

go 1.24

require bulkhead.local/sdk v0.1.0

replace bulkhead.local/sdk => ./sdk
