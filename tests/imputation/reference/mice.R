# Remission at week 16 of the reference trial by chained equations, with R's mice.
# Run in this folder: Rscript mice.R ; writes mice.json.
library(mice)
long <- read.csv("../../reference/reference_trial.csv")
long <- long[long$arm != "IPT+MED", ]
wide <- reshape(long[, c("participant", "arm", "baseline", "week", "change")],
                idvar = c("participant", "arm", "baseline"), timevar = "week", direction = "wide")
score <- wide$change.16 + wide$baseline
table <- data.frame(
  treated = as.numeric(wide$arm == "IPT"), baseline = wide$baseline, w4 = wide$change.4,
  w8 = wide$change.8, w12 = wide$change.12, remitted = factor(ifelse(score <= 10, "yes", "no"))
)
M <- 1000
made <- mice(table, m = M, maxit = 10, donors = 5, seed = 20261122, printFlag = FALSE,
             method = c("", "", "pmm", "pmm", "pmm", "logreg"))
one <- function(k) {
  full <- complete(made, k)
  p <- tapply(full$remitted == "yes", full$treated, mean)
  n <- tapply(full$remitted == "yes", full$treated, length)
  u <- p * (1 - p) / (n - 1)
  c(p[["1"]] - p[["0"]], u[["1"]] + u[["0"]], mean(full$w12), var(full$w12) / nrow(full))
}
found <- sapply(seq_len(M), one)
pooled <- function(q, u) {
  b <- var(q)
  sprintf('{"estimate": %.10f, "se": %.10f, "within": %.10f, "between": %.10f, "mcse": %.10f}',
          mean(q), sqrt(mean(u) + (1 + 1 / M) * b), mean(u), b, sqrt(b / M))
}
writeLines(sprintf(
  paste0('{"R": "%s", "mice": "%s", "imputations": %d, "missing": {"w12": %d, "remitted": %d},\n',
         ' "difference": %s,\n "mean_w12": %s}'),
  R.version.string, packageVersion("mice"), M, sum(is.na(table$w12)), sum(is.na(table$remitted)),
  pooled(found[1, ], found[2, ]), pooled(found[3, ], found[4, ])), "mice.json")
