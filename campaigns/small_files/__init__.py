"""Valid small files of every kind, who reads them, and changes of them: what `campaigns.mutations` tries."""
