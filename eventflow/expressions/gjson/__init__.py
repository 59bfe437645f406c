"""GJSON paths over decoded JSON: the read paths of Argo Events and of resource conditions."""
