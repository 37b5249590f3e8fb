"""dlt's way: ``rest_api`` into DuckDB, with its defaults or tuned. Run by an environment that has it (``dlt.txt``).

Belongs here: dlt's own configuration, both ways. Does not belong here: measuring the others (``__main__``).

    python dlt_way.py default|tuned <address> <folder>
"""

import json
import os
import sys
import time
from pathlib import Path

# Files of such a size that both workers have some, no compression of what is read again at once, Parquet to load from.
TUNED = {
    "EXTRACT__DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
    "EXTRACT__DATA_WRITER__FILE_MAX_ITEMS": "50000",
    "NORMALIZE__DATA_WRITER__BUFFER_MAX_ITEMS": "50000",
    "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "100000",
    "NORMALIZE__WORKERS": "2",
    "LOAD__WORKERS": "2",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    "EXTRACT__WORKERS": "2",
}


def main() -> None:
    """Pull everything and say how many rows there are and how long it took, imports aside."""
    how, address, folder = sys.argv[1:]
    os.chdir(folder)
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"})
    if how == "tuned":
        os.environ.update(TUNED)
    import dlt
    from dlt.sources.rest_api import rest_api_source

    started = time.perf_counter()
    source = rest_api_source(
        {
            "client": {"base_url": address},
            "resources": [
                {
                    "name": "access_events",
                    "endpoint": {
                        "path": "v1/access_events",
                        "data_selector": "items",
                        "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor"},
                    },
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        pipeline_name=f"rival_{how}",
        pipelines_dir=str(Path(folder) / "pipelines"),
        destination=dlt.destinations.duckdb(str(Path(folder) / "events.duckdb")),
        dataset_name="rival",
    )
    pipeline.run(source, **({"loader_file_format": "parquet"} if how == "tuned" else {}))
    seconds = time.perf_counter() - started
    with pipeline.sql_client() as client:
        rows = client.execute_sql("select count(*) from access_events")[0][0]
    sys.stdout.write("\n" + json.dumps({"rows": rows, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
