# What R gives for the made-up trials beside this file; writes reference.json.
# Run in this folder: Rscript make_reference.R
suppressPackageStartupMessages({library(metafor); library(clubSandwich); library(jsonlite)})

tight <- list(threshold = 1e-14, maxiter = 10000, tol = 1e-14)
num <- function(x) as.numeric(x)
out <- list(versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor")),
                            clubSandwich = as.character(packageVersion("clubSandwich"))))

# --- effect sizes -----------------------------------------------------------------------------
ct <- read.csv("continuous.csv")
bn <- read.csv("binary.csv")
esc <- list()
for (vt in c("LS", "LS2", "UB")) {
  e <- escalc("SMD", m1i = mean_arm, sd1i = sd_arm, n1i = n_arm, m2i = mean_reference,
              sd2i = sd_reference, n2i = n_reference, data = ct, vtype = vt)
  esc[[paste0("SMD/", vt)]] <- list(y = num(e$yi), v = num(e$vi))
}
e <- escalc("MD", m1i = mean_arm, sd1i = sd_arm, n1i = n_arm, m2i = mean_reference,
            sd2i = sd_reference, n2i = n_reference, data = ct)
esc[["MD"]] <- list(y = num(e$yi), v = num(e$vi))
# escalc recodes infinite effects of uncorrected tables to NA and says so; that is wanted here.
for (m in c("RR", "OR", "RD")) {
  e <- escalc(m, ai = events_arm, n1i = total_arm, ci = events_reference, n2i = total_reference,
              data = bn, add = 1/2, to = "only0", drop00 = TRUE)
  esc[[paste0(m, "/constant")]] <- list(y = num(e$yi), v = num(e$vi))
  e <- escalc(m, ai = events_arm, n1i = total_arm, ci = events_reference, n2i = total_reference,
              data = bn, add = 0, to = "none", drop00 = FALSE)
  esc[[paste0(m, "/none")]] <- list(y = num(e$yi), v = num(e$vi))
}
e <- escalc("OR2DL", ai = events_arm, n1i = total_arm, ci = events_reference,
            n2i = total_reference, data = bn, add = 1/2, to = "only0", drop00 = TRUE)
esc[["OR2DL"]] <- list(y = num(e$yi), v = num(e$vi))
out$escalc <- lapply(esc, function(x) lapply(x, function(z) ifelse(is.finite(z), z, NA)))

# --- random effects ---------------------------------------------------------------------------
dat <- escalc("SMD", m1i = mean_reference, sd1i = sd_reference, n1i = n_reference, m2i = mean_arm,
              sd2i = sd_arm, n2i = n_arm, data = ct)
dat$w <- sqrt(1 / ct$n_arm + 1 / ct$n_reference)
fit_of <- function(f) list(
  names = rownames(f$beta), beta = num(f$beta), se = num(f$se), lower = num(f$ci.lb),
  upper = num(f$ci.ub), statistic = num(f$zval), p = num(f$pval), tau2 = num(f$tau2),
  Q = num(f$QE), Qp = num(f$QEp), I2 = num(f$I2), H2 = num(f$H2), ll = num(logLik(f)),
  QM = num(f$QM), QMp = num(f$QMp), R2 = num(f$R2), weights = num(weights(f)))
uni <- list()
for (m in c("REML", "PM", "DL", "ML")) for (test in c("z", "knha", "adhoc")) {
  f <- rma(yi, vi, data = dat, method = m, test = test, control = tight)
  entry <- fit_of(f)
  ci <- confint(f, control = list(tol = 1e-14, maxiter = 10000))
  entry$tau2_interval <- num(ci$random["tau^2", c("ci.lb", "ci.ub")])
  entry$I2_interval <- num(ci$random["I^2(%)", c("ci.lb", "ci.ub")])
  pr <- predict(f)
  entry$prediction <- num(c(pr$pi.lb, pr$pi.ub))
  uni[[paste(m, test, sep = "/")]] <- entry
}
f <- rma(yi, vi, data = dat, test = "knha", control = tight)
pr <- predict(f, pi.type = "riley")
out$prediction_riley <- num(c(pr$pi.lb, pr$pi.ub))
uni[["FE/z"]] <- fit_of(rma(yi, vi, data = dat, method = "FE"))
out$uni <- uni

f <- rma(yi, vi, data = dat, test = "knha", control = tight)
l <- leave1out(f)
out$leave1out <- list(estimate = num(l$estimate), se = num(l$se), p = num(l$pval),
                      lower = num(l$ci.lb), upper = num(l$ci.ub), Q = num(l$Q),
                      tau2 = num(l$tau2), I2 = num(l$I2))
i <- influence(f)
out$influence <- lapply(as.list(i$inf), num)

reg <- list()
for (m in c("REML", "PM", "DL", "ML")) for (test in c("z", "knha")) {
  f <- rma(yi, vi, mods = ~ relevel(factor(control), "placebo") + weeks, data = dat, method = m,
           test = test, control = tight)
  entry <- fit_of(f)
  ci <- confint(f, control = list(tol = 1e-14, maxiter = 10000))
  entry$tau2_interval <- num(ci$random["tau^2", c("ci.lb", "ci.ub")])
  reg[[paste(m, test, sep = "/")]] <- entry
}
out$regression <- reg
f <- rma(yi, vi, mods = ~ relevel(factor(control), "placebo"), data = dat, test = "knha",
         control = tight)
out$subgroups_common <- fit_of(f)
f <- rma(yi, vi, mods = ~ factor(control) - 1, data = dat, test = "knha", control = tight)
out$cell_means <- fit_of(f)
separate <- lapply(split(dat, dat$control), function(d)
  rma(yi, vi, data = d, test = "knha", control = tight))
b <- sapply(separate, function(f) num(f$beta))
s <- sapply(separate, function(f) sqrt(1 / sum(1 / (f$vi + f$tau2))))
out$subgroups_separate <- list(estimate = num(b), tau2 = num(sapply(separate, function(f) f$tau2)),
                               lower = num(sapply(separate, function(f) f$ci.lb)),
                               Q = num(rma(b, sei = s, method = "FE")$QE))

six <- dat[1:6, ]
f <- rma(yi, vi, mods = ~ weeks, data = six, test = "knha", control = tight)
p <- permutest(f, exact = TRUE, progbar = FALSE)
out$permutation <- list(p = num(p$pval), QMp = num(p$QMp), n = p$iter)
f <- rma(yi, vi, mods = ~ weeks, data = six, control = tight, method = "DL")
p <- permutest(f, exact = TRUE, progbar = FALSE)
out$permutation_DL <- list(p = num(p$pval), QMp = num(p$QMp), n = p$iter)

# --- small-study tests ------------------------------------------------------------------------
out$egger_sizes <- fit_of(rma(yi, vi, mods = ~ w, data = dat, test = "knha", control = tight))
ok <- with(bn, !((events_arm == 0 & events_reference == 0) |
                 (events_arm == total_arm & events_reference == total_reference)))
b2 <- bn[ok, ]
e <- escalc("OR", ai = events_arm, n1i = total_arm, ci = events_reference, n2i = total_reference,
            data = b2, add = 1/2, to = "only0")
N <- b2$total_arm + b2$total_reference
S <- b2$events_arm + b2$events_reference
s <- summary(lm(e$yi ~ I(1 / N), weights = S * (N - S) / N))
out$peters <- list(slope = s$coefficients[2, 1], se = s$coefficients[2, 2],
                   statistic = s$coefficients[2, 3], p = s$coefficients[2, 4], df = s$df[2])
Z <- b2$events_arm - S * b2$total_arm / N
V <- b2$total_arm * b2$total_reference * S * (N - S) / (N^2 * (N - 1))
s <- summary(lm(I(Z / sqrt(V)) ~ I(sqrt(V))))
out$harbord <- list(bias = s$coefficients[1, 1], se = s$coefficients[1, 2],
                    statistic = s$coefficients[1, 3], p = s$coefficients[1, 4], df = s$df[2])

# --- dependent rows ---------------------------------------------------------------------------
dp <- read.csv("dependent.csv")
V <- vcalc(v, cluster = trial, obs = row, rho = 0.6, data = dp)
three <- function(V, mods = NULL, profile = TRUE) {
  f <- if (is.null(mods)) rma.mv(y, V, random = ~ 1 | trial / row, data = dp, test = "t",
                                 dfs = "contain")
       else rma.mv(y, V, mods = mods, random = ~ 1 | trial / row, data = dp, test = "t")
  entry <- list(names = rownames(f$beta), beta = num(f$beta), vb = num(f$vb),
                sigma2 = num(f$sigma2), ll = num(logLik(f)), Q = num(f$QE), lower = num(f$ci.lb),
                upper = num(f$ci.ub))
  if (profile) {
    ci <- confint(f, control = list(tol = 1e-12))
    entry$between <- num(ci[[1]]$random[1, c("ci.lb", "ci.ub")])
    entry$within <- num(ci[[2]]$random[1, c("ci.lb", "ci.ub")])
  }
  test <- coef_test(f, vcov = "CR2", cluster = dp$trial, test = "Satterthwaite")
  entry$CR2 <- num(vcovCR(f, cluster = dp$trial, type = "CR2"))
  entry$CR2_df <- num(test$df_Satt)
  entry$CR2_p <- num(test$p_Satt)
  p <- length(f$beta)
  if (p > 1) {
    w <- Wald_test(f, constraints = constrain_zero(2:p), vcov = "CR2", cluster = dp$trial,
                   test = "HTZ")
    entry$HTZ <- list(F = num(w$Fstat), df1 = num(w$df_num), df2 = num(w$df_denom),
                      p = num(w$p_val))
  }
  entry
}
out$three_level <- list(
  diagonal = three(dp$v), che = three(V),
  diagonal_mods = three(dp$v, ~ relevel(factor(format), "group") + weeks, FALSE),
  che_mods = three(V, ~ relevel(factor(format), "group") + weeks, FALSE),
  che_rater = three(V, ~ rater, FALSE))
W <- solve(V); X <- model.matrix(~ 1, dp)
P <- W - W %*% X %*% solve(t(X) %*% W %*% X) %*% t(X) %*% W
out$typical_variance_che <- (nrow(dp) - 1) / sum(diag(P))
a <- aggregate(escalc(measure = "GEN", yi = y, vi = v, data = dp), cluster = trial, struct = "CS",
               rho = 0.6, weighted = FALSE)
out$aggregate <- list(y = num(a$yi), v = num(a$vi))
a <- aggregate(escalc(measure = "GEN", yi = y, vi = v, data = dp), cluster = trial, struct = "CS",
               rho = 0.6, weighted = TRUE)
out$aggregate_weighted <- list(y = num(a$yi), v = num(a$vi))
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE, na = "null"), "reference.json")
