# --8<-- [start:import]
import warnings

from fastapi_users_db import FastAPIUsersDBDeprecationWarning

# --8<-- [end:import]
# --8<-- [start:all]
warnings.filterwarnings("ignore", category=FastAPIUsersDBDeprecationWarning)
# --8<-- [end:all]
# --8<-- [start:one]
warnings.filterwarnings("ignore", r".*\[databases-adapter:", FastAPIUsersDBDeprecationWarning)
# --8<-- [end:one]
