# Databricks notebook source
# The newest version of each row. What differs from table to table comes as widgets.

# COMMAND ----------

import json

from pyspark.sql import Window
from pyspark.sql import functions as F

home = dbutils.widgets.get("home")
source = dbutils.widgets.get("source")
keys = json.loads(dbutils.widgets.get("keys"))
order_by = dbutils.widgets.get("order_by")

# COMMAND ----------

newest_first = Window.partitionBy(*keys).orderBy(F.desc(order_by))
rows = spark.table(source).withColumn("newest", F.row_number().over(newest_first))
newest = rows.where("newest = 1").drop("newest")

newest.write.mode("overwrite").saveAsTable(home)
