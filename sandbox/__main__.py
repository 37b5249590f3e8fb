"""`python -m sandbox`: starts both servers, and says on one line where they are."""

import asyncio
import os
import sys

from sandbox.serving import serve
from sandbox.settings import read_settings

if __name__ == "__main__":
    asyncio.run(serve(read_settings(sys.argv[1:], os.environ)))
