# Results that the clinical analyses are held against. Run in this folder with R 4.2.2, nlme 3.1-162,
# lme4 1.1-31, lmerTest 3.1-3, emmeans 1.8.4-1, metafor 3.8-1:  Rscript clinical_questions.R
suppressMessages({library(nlme); library(lmerTest); library(emmeans); library(metafor); library(jsonlite)})
options(digits = 15)
out <- list()
control <- glsControl(maxIter = 500, msMaxIter = 500, tolerance = 1e-10, msTol = 1e-12)
unstructured <- function(formula, data) {
  fit <- gls(formula, data, na.action = na.omit, control = control,
    correlation = corSymm(form = ~ place | participant), weights = varIdent(form = ~ 1 | visit))
  fit$call$model <- formula; fit$call$data <- data; fit }
table_of <- function(fit) { s <- summary(fit)$tTable
  list(names = rownames(s), estimate = unname(s[, 1]), se = unname(s[, 2])) }

# --- areas pooled ---------------------------------------------------------------------------------
yi <- c(8.4, 12.9, 10.1, 6.2); vi <- c(1.2, 0.8, 0.9, 2.5)
V <- diag(vi) + 0.3
one <- rma(yi, vi, method = "REML", control = list(threshold = 1e-12))
b <- blup(one)
full <- rma.mv(yi, V, random = ~ 1 | area, data = data.frame(area = 1:4), method = "REML",
               control = list(rel.tol = 1e-10))
out$area_pooling <- list(yi = yi, V = diag(vi), tau2 = one$tau2, blup = b$pred, blup_se = b$se)
out$area_pooling_correlated <- list(yi = yi, V = V, tau2 = full$sigma2,
  blup = as.numeric(coef(full)) + ranef(full)[[1]]$intrcpt)

# --- baseline as an outcome, and a moderator ------------------------------------------------------
d <- read.csv("reference_trial.csv")
d$visit <- factor(d$week); d$arm <- relevel(factor(d$arm), "MED"); d$site <- factor(d$site)
d$place <- as.integer(d$visit)
d$odd <- as.integer(substring(d$participant, 2)) %% 2
people <- d[!duplicated(d$participant), ]
start <- transform(people, week = 0, score = baseline)
long <- rbind(start[names(d)], d)
long$visit <- factor(long$week); long$place <- as.integer(long$visit)
long <- long[!is.na(long$score), ]
terms <- c()
for (a in c("IPT", "IPT+MED")) for (w in c(4, 8, 12, 16)) {
  name <- paste0("d_", sub("+", "_", a, fixed = TRUE), "_", w)
  long[[name]] <- as.numeric(long$arm == a & long$week == w); terms <- c(terms, name) }
fit <- unstructured(as.formula(paste("score ~ visit + site +", paste(terms, collapse = " + "))), long)
out$constrained <- table_of(fit)
d <- d[!is.na(d$score), ]
fit <- unstructured(score ~ baseline * visit + arm * visit + arm * odd * visit + site, d)
e <- emmeans(fit, ~ arm | odd, at = list(visit = "16", odd = c(0, 1)), mode = "df.error", data = d)
out$moderator_category <- as.list(as.data.frame(contrast(e, "trt.vs.ctrl", ref = "MED")))
fit <- unstructured(score ~ arm * baseline * visit + site, d)
at16 <- function(arm) { v <- setNames(rep(0, length(coef(fit))), names(coef(fit)))
  v[c(paste0("arm", arm, ":baseline"), paste0("arm", arm, ":baseline:visit16"))] <- 1; v }
L <- rbind(at16("IPT"), at16("IPT+MED"))
out$moderator_number <- list(arm = c("IPT", "IPT+MED"), estimate = as.numeric(L %*% coef(fit)),
                             se = sqrt(diag(L %*% vcov(fit) %*% t(L))))

# --- a 2 x 2 --------------------------------------------------------------------------------------
f <- read.csv("factorial_trial.csv")
base <- f[f$week == 0, ]
f <- merge(f[f$week > 0, ], data.frame(participant = base$participant, baseline = base$score))
f$visit <- factor(f$week); f$place <- as.integer(f$visit); f$arm <- factor(f$arm)
f <- f[order(f$participant, f$week), ]
fit <- unstructured(score ~ baseline * visit + arm * visit, f)
e <- emmeans(fit, ~ arm | visit, mode = "df.error", data = f)   # arms: IPT, IPT+MED, MED, PLA
rows <- list(psychotherapy_margin = c(.5, .5, -.5, -.5), medication_margin = c(-.5, .5, .5, -.5),
  psychotherapy_with = c(0, 1, -1, 0), psychotherapy_without = c(1, 0, 0, -1),
  medication_with = c(-1, 1, 0, 0), medication_without = c(0, 0, 1, -1),
  interaction = c(-1, 1, -1, 1))
out$factorial <- as.list(as.data.frame(contrast(e, rows)))

# --- growth ---------------------------------------------------------------------------------------
w <- read.csv("weekly_trial.csv")
w$ipt <- as.numeric(w$arm == "IPT")
w$initial <- pmin(w$week, 4); w$middle <- pmin(pmax(w$week - 4, 0), 8)
w$termination <- pmin(pmax(w$week - 12, 0), 4); w$follow_up <- pmax(w$week - 16, 0)
w$treatment <- pmin(w$week, 16)
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e6))
piecewise <- score ~ (initial + middle + termination + follow_up) +
  ipt:(initial + middle + termination + follow_up) + (1 + treatment | participant)
fit <- lmer(piecewise, w, REML = TRUE, control = control)
s <- coef(summary(fit))
out$growth <- list(names = rownames(s), estimate = unname(s[, 1]), se = unname(s[, 2]),
                   df = unname(s[, 3]), logLik = as.numeric(logLik(fit)))
out$growth_comparison <- lapply(list(
  linear = score ~ treatment + follow_up + ipt:(treatment + follow_up) + (1 + treatment | participant),
  piecewise = piecewise,
  quadratic = score ~ treatment + I(treatment^2) + follow_up + ipt:(treatment + I(treatment^2) + follow_up) +
    (1 + treatment | participant),
  logarithmic = score ~ log1p(treatment) + follow_up + ipt:(log1p(treatment) + follow_up) + (1 + treatment | participant)),
  function(formula) as.numeric(logLik(lmer(formula, w, REML = FALSE, control = control))))
out$versions <- list(R = R.version.string)
write_json(out, "clinical_questions.json", digits = 15, auto_unbox = TRUE, pretty = TRUE)
